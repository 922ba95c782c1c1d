"""Rules beside routes: none is missing, and each is what the document says."""

import pytest
from litestar import Litestar, get

from profilecore.entrypoints.http.access import PUBLIC, READ, declared


@get("/ruled", access=READ)
async def ruled() -> None: ...


@get("/open", access=PUBLIC)
async def open_to_all() -> None: ...


@get("/forgotten")
async def forgotten() -> None: ...


def test_each_operation_has_its_rule() -> None:
    app = Litestar([ruled, open_to_all], openapi_config=None)
    found = {
        path: access for handler, path, access in declared(app) if "GET" in handler.http_methods
    }
    assert found == {"/ruled": READ, "/open": PUBLIC}


def test_an_operation_without_a_rule_is_named() -> None:
    app = Litestar([ruled, forgotten], openapi_config=None)
    with pytest.raises(LookupError, match=r"forgotten.* at /forgotten: give its route `access=`"):
        list(declared(app))
