"""Which types there are, and what a handler is given."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from profilecore.errors import FieldError, Invalid, ProfilecoreError
from profilecore.identifiers import new_id
from profilecore.tasks import Attempt, Context, Handler, Handlers, Stopped


def context() -> Context:
    return Context(Attempt(new_id(), 1, 5), "echo")


def no_a(payload: Mapping[str, Any]) -> None:
    if "a" in payload:
        raise Invalid("no", errors=[FieldError("a", "must not be"), FieldError("b[0]", "neither")])


def not_today(payload: Mapping[str, Any]) -> None:
    raise Invalid("Not today.")


def test_types_are_known_by_name_and_in_order() -> None:
    handlers = Handlers([Handler(type="b", run=print, queue="slow"), Handler(type="a", run=print)])
    assert list(handlers) == ["a", "b"]
    assert "a" in handlers
    assert "c" not in handlers
    assert handlers["b"].queue == "slow"
    assert [handlers.queue_of(type_) for type_ in "abc"] == ["default", "slow", "default"]


def test_two_handlers_of_one_type_are_a_mistake() -> None:
    with pytest.raises(ProfilecoreError, match="type a"):
        Handlers([Handler(type="a", run=print), Handler(type="a", run=print)])


def test_an_unknown_type_is_told_the_known_ones() -> None:
    handlers = Handlers([Handler(type="b", run=print), Handler(type="a", run=print)])
    with pytest.raises(Invalid) as refused:
        handlers.check("c", {})
    (error,) = refused.value.errors
    assert error == FieldError("type", "is not known; the types are: a, b")


def test_a_payload_is_checked_by_its_handler_which_names_the_fields() -> None:
    handlers = Handlers(
        [Handler(type="a", run=print, check=no_a), Handler(type="b", run=print, check=not_today)]
    )
    handlers.check("a", {"x": 1})
    with pytest.raises(Invalid) as refused:
        handlers.check("a", {"a": 1})
    assert [e.field for e in refused.value.errors] == ["payload.a", "payload.b[0]"]
    assert refused.value.detail == "Not valid: payload.a, payload.b[0]."
    with pytest.raises(Invalid, match=r"^Not today\.$"):
        handlers.check("b", {})


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), float("inf")])
def test_progress_is_a_fraction(fraction: float) -> None:
    told = context()
    assert told.progressed() is None
    told.progress(0.25)
    with pytest.raises(ValueError, match="from 0 to 1"):
        told.progress(fraction)
    assert told.progressed() == 0.25
    told.progress(1)
    told.progress(0)
    assert told.progressed() == 0


def test_a_thread_sees_its_cancellation() -> None:
    told = context()
    told.stop_if_cancelled()
    assert not told.cancelled
    thread = threading.Thread(target=told.cancel)
    thread.start()
    thread.join()
    assert told.cancelled
    with pytest.raises(Stopped):
        told.stop_if_cancelled()
    assert told.logger.name == "profilecore.tasks.echo"
