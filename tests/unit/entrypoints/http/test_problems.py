"""Every error as a problem document."""

import re
from http import HTTPStatus

import msgspec
import pytest
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from profilecore import errors
from profilecore.entrypoints.http import problems
from profilecore.entrypoints.http.problems import MEANINGS, Problem, Refusal, plain
from profilecore.entrypoints.telemetry import request_id
from profilecore.errors import Conflict, FieldError, Invalid, NotFound, Unavailable


def codes_named_in_docstrings() -> set[str]:
    kinds: list[type[errors.ProfilecoreError]] = [
        errors.NotFound,
        errors.Conflict,
        errors.Invalid,
        errors.Unavailable,
    ]
    named = {code for kind in kinds for code in re.findall(r"`([a-z_]+)`", kind.__doc__ or "")}
    return named - {"errors", "version", "retry_after"} | {kind.code for kind in kinds}


def test_every_code_of_the_core_has_a_meaning() -> None:
    assert codes_named_in_docstrings() <= set(MEANINGS)


def test_meanings() -> None:
    """One status and one title a code; each is an error, and each title is a sentence's start."""
    for meaning in MEANINGS.values():
        assert HTTPStatus(meaning.status) >= 400
        assert meaning.title[0].isupper()
        assert not meaning.title.endswith(".")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("x"), 404, "not_found"),
        (NotFound("x", code="position_gone"), 410, "position_gone"),
        (Conflict("x"), 409, "conflict"),
        (Conflict("x", code="email_taken"), 409, "email_taken"),
        (Conflict("x", code="stale_version", version=3), 412, "stale_version"),
        (Invalid("x"), 422, "invalid"),
        (Invalid("x", code="malformed"), 400, "malformed"),
        (Unavailable("x"), 503, "unavailable"),
        (Unavailable("x", code="of_an_adapter"), 503, "unavailable"),
        (Refusal("x", code="request_timeout"), 408, "request_timeout"),
        (errors.ProfilecoreError("x"), 500, "internal"),
        (NotFoundException(), 404, "not_found"),
        (MethodNotAllowedException(), 405, "method_not_allowed"),
        (HTTPException(status_code=413), 413, "too_large"),
        (HTTPException(status_code=415), 415, "unsupported_media_type"),
        (ClientException("odd"), 400, "malformed"),
        (HTTPException(status_code=418), 400, "malformed"),
        (InternalServerException("secret"), 500, "internal"),
        (RuntimeError("secret"), 500, "internal"),
        (KeyError("secret"), 500, "internal"),
    ],
)
def test_error(error: Exception, status: int, code: str) -> None:
    problem = Problem.of(error, "/path")
    assert (problem.status, problem.code, problem.instance) == (status, code, "/path")
    assert problem.type == f"urn:profilecore:problem:{code}"
    assert problem.title == MEANINGS[code].title
    assert "secret" not in str(msgspec.to_builtins(problem))


def test_members_and_their_order() -> None:
    token = request_id.set("the-id")
    try:
        error = Invalid("Not valid: name.", errors=[FieldError("name", "is required")])
        text = msgspec.json.encode(Problem.of(error, "/x")).decode()
    finally:
        request_id.reset(token)
    assert text == (
        '{"type":"urn:profilecore:problem:invalid","title":"The request is not valid",'
        '"status":422,"detail":"Not valid: name.","instance":"/x","code":"invalid",'
        '"request_id":"the-id","errors":[{"field":"name","message":"is required"}]}'
    )


def test_version_is_there_for_a_stale_one_alone() -> None:
    stale = msgspec.json.encode(Problem.of(Conflict("x", code="stale_version", version=3), "/"))
    assert b'"version":3' in stale
    assert b'"version"' not in msgspec.json.encode(Problem.of(Conflict("x"), "/"))


def test_parameters_at_fault() -> None:
    error = ValidationException(extra=[{"key": "limit", "message": "Expected `int` >= 1"}])
    problem = Problem.of(error, "/")
    assert problem.detail == "Not valid: limit."
    assert problem.errors == [problems.FieldProblem("limit", "must be a whole number >= 1")]


def test_a_fault_without_a_name() -> None:
    problem = Problem.of(ValidationException(extra=[{"message": "odd"}]), "/")
    assert problem.errors == [problems.FieldProblem("request", "odd")]
    assert Problem.of(ValidationException(extra={"odd": 1}), "/").errors == []


def test_an_empty_body_is_told_as_one() -> None:
    problem = Problem.of(ValidationException(extra=[{"key": "data", "message": "'data'"}]), "/")
    assert problem.errors == [problems.FieldProblem("body", "is empty; send JSON")]


def test_details_without_words_of_their_own() -> None:
    assert Problem.of(HTTPException(status_code=413, detail="Too much."), "/").detail == "Too much."
    empty = HTTPException(status_code=413)
    empty.detail = ""
    assert Problem.of(empty, "/").detail == MEANINGS["too_large"].title


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("Expected `str`, got `int`", "must be text, not a whole number"),
        ("Expected `array`, got `object`", "must be a list, not an object"),
        ("Expected `bool`, got `uuid`", "must be true or false, not a UUID"),
        ("Invalid UUID", "Invalid UUID"),
    ],
)
def test_plain_words(found: str, said: str) -> None:
    assert plain(found) == said
