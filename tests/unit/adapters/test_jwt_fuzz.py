"""Whatever is shown, it is somebody or it is refused; nothing else ever comes of it."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profilecore import Caller, Denied, Invalid
from profilecore.adapters.jwt import ALGORITHMS
from profilecore.adapters.jwt.key_set import KeySet
from tests.support.issuer import (
    AUDIENCE,
    NAME,
    NOW,
    at_once,
    authenticator,
    claims,
    jwk,
    signed,
    token,
)

OURS = authenticator(jwk("EdDSA", "one"), jwk("ES256", "two"), algorithms=list(ALGORITHMS))
HEADER = {"alg": "EdDSA", "kid": "one"}


def anything(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )


ANYTHING = anything(st.floats())
FINITE = anything(st.floats(allow_nan=False, allow_infinity=False))
TIMES = st.integers(int(NOW) - 100, int(NOW) + 100) | st.floats(NOW - 100, NOW + 100)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from([*ALGORITHMS, "none", "HS256"]) | ANYTHING,
        "kid": st.sampled_from(["one", "two", "three"]) | ANYTHING,
        "typ": st.sampled_from(["JWT", "at+jwt"]) | ANYTHING,
        "jku": ANYTHING,
        "jwk": ANYTHING,
        "b64": ANYTHING,
    },
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.just(NAME) | ANYTHING,
        "aud": st.just(AUDIENCE) | st.lists(st.just(AUDIENCE) | ANYTHING, max_size=3) | ANYTHING,
        "sub": st.text(max_size=300) | ANYTHING,
        "exp": TIMES | ANYTHING,
        "nbf": TIMES | ANYTHING,
        "iat": TIMES | ANYTHING,
        "scope": st.text() | st.lists(st.text()) | ANYTHING,
    },
)


def comes_of(credential: str) -> Caller | None:
    try:
        return at_once(OURS, credential)
    except Denied as refusal:
        if refusal.code != "unauthenticated" or not refusal.detail.isprintable():
            raise
        return None


@given(st.text())
@example("a" * 8_193)
def test_any_text(text: str) -> None:
    assert comes_of(text) is None


@given(st.lists(st.text("AQgwabcXYZ019-_=", max_size=12), min_size=2, max_size=4))
def test_any_text_with_dots(parts: list[str]) -> None:
    assert comes_of(".".join(parts)) is None


@given(HEADERS | ANYTHING)
def test_any_header_of_a_signed_token(header: Any) -> None:
    shown = signed(json.dumps(header).encode(), json.dumps(claims()).encode())
    if comes_of(shown) is not None:
        assert (header["alg"], header["kid"]) == ("EdDSA", "one")
        assert header.get("typ", "JWT").lower() in ("jwt", "at+jwt")


@given(CLAIMS | ANYTHING)
def test_any_claims_of_a_signed_token(found: Any) -> None:
    caller = comes_of(signed(json.dumps(HEADER).encode(), json.dumps(found).encode()))
    if caller is not None:
        assert (found["iss"], found["sub"]) == (NAME, caller.subject)
        assert found["aud"] == AUDIENCE or AUDIENCE in found["aud"]
        assert found["exp"] > NOW - 30


@given(st.dictionaries(st.sampled_from(["nbf", "iat", "exp"]), TIMES))
def test_any_times_of_a_token_that_is_good_otherwise(times: dict[str, Any]) -> None:
    begins = max(times.get("nbf", 0), times.get("iat", 0))
    good = begins <= NOW + 30 and times.get("exp", NOW + 300) > NOW - 30
    assert (comes_of(token(**times)) is not None) == good


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_signed(header: bytes, payload: bytes) -> None:
    assert comes_of(signed(header, payload)) is None
    assert comes_of(signed(json.dumps(HEADER).encode(), payload)) is None


GOOD = token()


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_any_other_character_in_a_good_token(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    assert (comes_of(changed) is not None) == (changed == GOOD)


@given(st.integers(0, len(GOOD)))
def test_any_beginning_of_a_good_token(length: int) -> None:
    assert (comes_of(GOOD[:length]) is not None) == (length == len(GOOD))


MEMBERS = st.fixed_dictionaries(
    {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"]) | FINITE},
    optional={
        "crv": st.sampled_from(["P-256", "P-384", "Ed25519", "X25519"]) | FINITE,
        "alg": st.sampled_from(["RS256", "ES256", "EdDSA", "HS256"]) | FINITE,
        "kid": st.text() | FINITE,
        "use": st.just("sig") | FINITE,
        "key_ops": st.just(["verify"]) | FINITE,
        **dict.fromkeys(("n", "e", "x", "y", "k"), st.text("AQgwabc-_=") | FINITE),
    },
)


@given(FINITE | st.fixed_dictionaries({"keys": st.lists(MEMBERS | FINITE) | FINITE}))
def test_any_keys(found: Any) -> None:
    with pytest.raises(Invalid):
        KeySet.read(json.dumps(found).encode())
    good = jwk("EdDSA", "one")
    if isinstance(found, dict) and isinstance(found.get("keys"), list):
        keys = KeySet.read(json.dumps({"keys": [*found["keys"], good]}).encode())
        assert keys.knows("one")


@given(st.binary())
def test_any_bytes_for_keys(text: bytes) -> None:
    with pytest.raises(Invalid):
        KeySet.read(text)
