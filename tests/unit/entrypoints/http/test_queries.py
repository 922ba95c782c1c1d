"""Query parameters that nobody reads, and words that are none of the choice."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.testing import RequestFactory

from profilecore.entrypoints.http.queries import check_query
from profilecore.errors import FieldError, Invalid


class Word(StrEnum):
    ONE = "one"
    TWO = "-two"


@get("/{number:int}")
async def handler(
    number: FromPath[int],
    service: NamedDependency[object],
    limit: Annotated[int, QueryParameter()] = 1,
    word: Annotated[Word, QueryParameter()] = Word.ONE,
    other: Annotated[Word | None, QueryParameter()] = None,
    if_match: Annotated[str | None, HeaderParameter(name="If-Match")] = None,
) -> None: ...


@get("/")
async def bare() -> None: ...


def asked(query: str, *, of: Any = handler) -> None:
    provide = Provide(object, sync_to_thread=False)
    app = Litestar([handler, bare], dependencies={"service": provide}, openapi_config=None)
    path = "/1" if of is handler else "/"
    routes: Any = app.routes
    made = next(h for route in routes for h in route.route_handlers if h.fn is of.fn)
    request = RequestFactory(app=app).get(path, route_handler=made)
    request.scope["query_string"] = query.encode()
    request.scope["path_params"] = {"number": "1"} if of is handler else {}
    check_query(request)


@pytest.mark.parametrize("query", ["", "limit=5", "word=one&limit=x", "word=-two", "other=one"])
def test_what_is_taken(query: str) -> None:
    asked(query)


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("page=1", [FieldError("page", "is not a parameter; allowed: limit, other, word")]),
        ("Limit=1", [FieldError("Limit", "is not a parameter; allowed: limit, other, word")]),
        ("number=1", [FieldError("number", "is not a parameter; allowed: limit, other, word")]),
        ("service=1", [FieldError("service", "is not a parameter; allowed: limit, other, word")]),
        ("if_match=1", [FieldError("if_match", "is not a parameter; allowed: limit, other, word")]),
        ("word=ONE", [FieldError("word", "must be one of one, -two")]),
        ("other=three", [FieldError("other", "must be one of one, -two")]),
        ("word=", [FieldError("word", "must be one of one, -two")]),
        ("word=one&word=x", [FieldError("word", "is given more than once")]),
        ("limit=1&limit=1", [FieldError("limit", "is given more than once")]),
        ("a=1&a=2", [FieldError("a", "is not a parameter; allowed: limit, other, word")]),
        (
            "a=1&b=2",
            [
                FieldError("a", "is not a parameter; allowed: limit, other, word"),
                FieldError("b", "is not a parameter; allowed: limit, other, word"),
            ],
        ),
    ],
)
def test_what_is_refused(query: str, errors: list[FieldError]) -> None:
    with pytest.raises(Invalid) as caught:
        asked(query)
    assert caught.value.code == "malformed"
    assert list(caught.value.errors) == errors
    for error in errors:
        assert f"{error.field} {error.message}" in caught.value.detail


def test_where_there_is_no_choice() -> None:
    asked("", of=bare)
    with pytest.raises(Invalid) as caught:
        asked("x=1", of=bare)
    assert caught.value.errors == (FieldError("x", "is not a parameter; none is allowed here"),)
