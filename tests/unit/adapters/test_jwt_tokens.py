"""Tokens of an issuer: who a good one is for, and what is wrong with every other."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from profilecore import Caller, Denied, Invalid, Scope
from profilecore.adapters.jwt import ALGORITHMS, JwtAuthenticator, reading
from profilecore.adapters.jwt import authenticator as module
from tests.support.issuer import (
    AUDIENCE,
    LEFT_OUT,
    NAME,
    NOW,
    Clock,
    Published,
    at_once,
    authenticator,
    claims,
    encoded,
    jwk,
    signed,
    token,
)

GOOD = {"alg": "EdDSA", "kid": "one"}


def refused(credential: str, words: str, **options: Any) -> None:
    with pytest.raises(Denied, match=words) as raised:
        at_once(authenticator(**options), credential)
    assert raised.value.code == "unauthenticated"
    # A refusal says nothing of what was shown.
    assert not {word for word in credential.split(".") if word and word in raised.value.detail}


# Good ones


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_says_who_shows_it(alg: str) -> None:
    caller = at_once(authenticator(jwk(alg, "one"), algorithms=[alg]), token(alg))
    assert caller.subject == "ada"
    assert caller.scopes == {Scope.PROFILES_READ, Scope.TASKS_WRITE}


def test_the_credential_is_named_by_issuer_and_subject_in_few_characters() -> None:
    ours = authenticator()
    long = at_once(ours, token(sub="ä" * 255)).key
    ada = at_once(ours, token())
    again = at_once(ours, token(scope="", exp=NOW + 1))
    others = at_once(authenticator(issuer="https://other.test"), token(iss="https://other.test"))
    assert ada.key is not None
    assert long is not None
    assert ada.key.startswith("jwt:")
    assert len(ada.key) == len(long) == 68
    assert ada.key == again.key
    assert len({ada.key, long, others.key}) == 3
    assert "ada" not in ada.key


@pytest.mark.parametrize(
    "scope",
    [
        "profiles:read profiles:write",
        ["profiles:write", "profiles:read"],
        "  profiles:read  profiles:write openid PROFILES:ERASE ops:x",
        ["profiles:read", "profiles:write", "", "ops ops"],
    ],
)
def test_scopes_are_a_text_or_a_list_and_unknown_ones_are_nothing(scope: object) -> None:
    caller = at_once(authenticator(), token(scope=scope))
    assert caller.scopes == {Scope.PROFILES_READ, Scope.PROFILES_WRITE}


@pytest.mark.parametrize("scope", [LEFT_OUT, "", [], "openid"])
def test_without_scopes_it_is_still_known_who_asks(scope: object) -> None:
    assert at_once(authenticator(), token(scope=scope)) == Caller(
        "ada", frozenset(), at_once(authenticator(), token()).key
    )


@pytest.mark.parametrize("scope", [None, 5, True, {"ops": 1}, ["ops", 1], [["ops"]]])
def test_a_scope_of_another_form_is_refused(scope: object) -> None:
    refused(token(scope=scope), "scope")


@pytest.mark.parametrize("kind", [LEFT_OUT, "JWT", "jwt", "at+jwt", "application/at+JWT"])
def test_its_type_may_be_left_out(kind: object) -> None:
    assert at_once(authenticator(), token(header={"typ": kind})).subject == "ada"


@pytest.mark.parametrize("kind", ["dpop+jwt", "logout+jwt", "JWE", "", 5, None, ["JWT"]])
def test_a_token_of_another_type_is_refused(kind: object) -> None:
    refused(token(header={"typ": kind}), "typ may be")


@pytest.mark.parametrize("aud", [AUDIENCE, [AUDIENCE], ["account", AUDIENCE]])
def test_it_may_be_for_others_too(aud: object) -> None:
    assert at_once(authenticator(), token(aud=aud)).subject == "ada"


# Claims


@pytest.mark.parametrize(
    "aud",
    [
        *(LEFT_OUT, None, "", [], "account", ["account"], "profiles ", "PROFILES", "profile"),
        *(f"{AUDIENCE},account", {AUDIENCE: 1}, [[AUDIENCE]], 5, True, ["*"], "*"),
    ],
)
def test_a_token_for_somebody_else_is_refused(aud: object) -> None:
    refused(token(aud=aud), "aud")


@pytest.mark.parametrize(
    "iss", [LEFT_OUT, None, "", f"{NAME}/", NAME.upper(), [NAME], "https://evil.test", 5]
)
def test_a_token_of_another_issuer_is_refused(iss: object) -> None:
    refused(token(iss=iss), "another issuer")


@pytest.mark.parametrize(
    "sub",
    [
        *(LEFT_OUT, None, "", " ", 5, True, ["ada"], {"ada": 1}, "a" * 256),
        *("a\nb", "a\0", "a\x1b[2J", "a\u2028b", "\ud800"),
    ],
)
def test_a_token_of_nobody_is_refused(sub: object) -> None:
    refused(token(sub=sub), "who its holder is")


@pytest.mark.parametrize("sub", ["a", "auth0|5f7c8ec7c33c6c004bbafe82", "ä" * 255, "'; DROP --"])
def test_a_subject_is_any_line(sub: str) -> None:
    assert at_once(authenticator(), token(sub=sub)).subject == sub


def test_a_token_without_an_end_is_refused() -> None:
    refused(token(exp=LEFT_OUT), "no end")


NO_TIMES: list[Any] = [
    None,
    "1800000300",
    "",
    True,
    [1_800_000_300],
    {},
    2**53 + 1,
    -(2**53) - 1,
    10**300,
]


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("time", NO_TIMES)
def test_a_time_is_a_number_of_seconds(name: str, time: Any) -> None:
    refused(token(**{name: time}), f"{name} of the token is not a time")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000])
@pytest.mark.parametrize("name", ["exp", "other"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(number: str, name: str) -> None:
    payload = json.dumps(claims(**{name: "here"})).replace('"here"', number)
    refused(signed(json.dumps(GOOD).encode(), payload.encode()), "claims of the token cannot be")


@pytest.mark.parametrize(
    ("exp", "good"),
    [(NOW - 29, True), (NOW - 29.5, True), (NOW - 30, False), (NOW - 31, False), (0, False)],
)
def test_a_token_ends_when_its_time_and_the_leeway_are_over(exp: float, good: bool) -> None:
    if good:
        assert at_once(authenticator(), token(exp=exp)).subject == "ada"
    else:
        refused(token(exp=exp), "has expired")


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_begins_at_its_time_or_by_the_leeway_before(name: str) -> None:
    def beginning(time: float) -> str:
        claim: dict[str, Any] = {name: time}
        return token(**claim)

    assert at_once(authenticator(), beginning(NOW + 30)).subject == "ada"
    refused(beginning(NOW + 30.5), f"{name} is in the future")
    refused(beginning(NOW + 1), f"{name} is in the future", leeway=0)


# Keys


def test_a_token_has_to_be_signed_by_the_key_it_names() -> None:
    both = jwk("EdDSA", "one"), jwk("EdDSA", "two")
    assert at_once(authenticator(*both), token(kid="two")).subject == "ada"
    with pytest.raises(Denied, match="not that of its key"):
        at_once(authenticator(*both), token(kid="two", header={"kid": "one"}))


def test_the_only_key_needs_no_name_and_one_of_several_does() -> None:
    nameless = token(header={"kid": LEFT_OUT})
    assert at_once(authenticator(), nameless).subject == "ada"
    assert at_once(authenticator(jwk("EdDSA", "one", kid=LEFT_OUT)), nameless).subject == "ada"
    for second in (jwk("EdDSA", "two"), jwk("RS256", "two")):
        with pytest.raises(Denied, match="not signed by a key"):
            at_once(authenticator(jwk("EdDSA", "one"), second), nameless)


def test_the_only_key_has_to_be_for_the_algorithm() -> None:
    ours = authenticator(jwk("RS256", "one"), algorithms=["EdDSA", "RS256"])
    with pytest.raises(Denied, match="not signed by a key"):
        at_once(ours, token(header={"kid": LEFT_OUT}))


@pytest.mark.parametrize(
    ("alg", "other"), [("RS256", "PS256"), ("RS256", "RS512"), ("EdDSA", "Ed25519")]
)
def test_a_key_that_names_its_algorithm_is_for_that_one(alg: str, other: str) -> None:
    """Who is given two ways to read a key looks for the weaker one."""
    named = authenticator(jwk(alg, "one", alg=alg), algorithms=[alg, other])
    assert at_once(named, token(alg)).subject == "ada"
    with pytest.raises(Denied, match="not signed by a key"):
        at_once(named, signed(json.dumps({"alg": other, "kid": "one"}).encode(), b"{}", alg))


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "ES384"])
def test_a_key_of_another_kind_is_not_tried(alg: str) -> None:
    ours = authenticator(algorithms=["EdDSA", alg])
    with pytest.raises(Denied, match="not signed by a key"):
        at_once(ours, token(alg))


def test_an_algorithm_that_is_not_configured_is_not_taken() -> None:
    ours = authenticator(jwk("RS256", "one"), algorithms=["ES256", "RS512"])
    with pytest.raises(Denied, match="ES256, RS512 are"):
        at_once(ours, token("RS256"))


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "none", "RS1", "ES256K", ""])
def test_only_asymmetric_algorithms_can_be_configured(alg: str) -> None:
    with pytest.raises(Invalid, match="it takes RS256"):
        authenticator(algorithms=["RS256", alg])
    with pytest.raises(Invalid):
        authenticator(algorithms=[])


def test_a_key_that_is_not_known_is_asked_for_once() -> None:
    keys = Published(jwk("EdDSA", "one"))
    ours = authenticator(keys=keys)
    with pytest.raises(Denied, match="not signed by a key"):
        at_once(ours, token(kid="two"))
    assert keys.renewals == 1
    keys.coming = Published(jwk("EdDSA", "two")).set
    assert at_once(ours, token(kid="two")).subject == "ada"
    assert keys.renewals == 2
    with pytest.raises(Denied):
        at_once(ours, token(kid="one"))


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "RS256"}, {"typ": "x"}, {"crit": ["exp"]}]
)
def test_nobody_is_asked_for_a_key_that_could_not_be_used(header: dict[str, Any]) -> None:
    keys = Published(jwk("EdDSA", "one"))
    with pytest.raises(Denied):
        at_once(authenticator(keys=keys), token(kid="two", header=header))
    assert keys.renewals == 0


# What is remembered


def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many tokens were taken apart so far."""
    taken = 0
    read = reading.read

    def counted(credential: str) -> reading.Unverified:
        nonlocal taken
        taken += 1
        return read(credential)

    monkeypatch.setattr(module, "read", counted)
    return lambda: taken


def test_a_good_token_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = counting(monkeypatch)
    ours = authenticator()
    assert at_once(ours, token()) == at_once(ours, token())
    assert taken() == 1
    assert at_once(ours, token(sub="bob")).subject == "bob"
    assert taken() == 2


def test_a_token_that_was_good_ends_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = counting(monkeypatch)
    clock = Clock()
    ours = authenticator(clock=clock)
    assert at_once(ours, token(exp=NOW + 1)).subject == "ada"
    clock.now = NOW + 30.9
    assert at_once(ours, token(exp=NOW + 1)).subject == "ada"
    assert taken() == 1
    clock.now = NOW + 31
    with pytest.raises(Denied, match="has expired"):
        at_once(ours, token(exp=NOW + 1))


def test_a_token_that_was_good_ends_with_its_key() -> None:
    keys = Published(jwk("EdDSA", "one"))
    ours = authenticator(keys=keys)
    assert at_once(ours, token()).subject == "ada"
    keys.set = Published(jwk("EdDSA", "two")).set
    with pytest.raises(Denied, match="not signed by a key"):
        at_once(ours, token())
    keys.set = Published(jwk("EdDSA", "other", kid="one")).set
    with pytest.raises(Denied, match="not that of its key"):
        at_once(ours, token())


def test_a_bad_token_is_not_remembered_and_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    taken = counting(monkeypatch)
    ours = authenticator()
    for n in range(5):
        with pytest.raises(Denied):
            at_once(ours, token(sub=f"s{n}", aud="other"))
    for n in range(4):
        at_once(ours, token(sub=f"s{n}"))
    assert taken() == 9
    for n in (3, 2, 1):
        at_once(ours, token(sub=f"s{n}"))
    assert taken() == 9
    at_once(ours, token(sub="s0"))  # the first that came was the first to go
    assert taken() == 10


def test_no_token_is_kept_as_it_was_shown() -> None:
    ours: JwtAuthenticator = authenticator()
    shown = token()
    at_once(ours, shown)
    kept = repr(vars(ours))
    assert shown not in kept
    assert encoded(json.dumps(claims()).encode()) not in kept
