"""What is sent by those who have no token: all of it is refused, at little cost."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from profilecore import Denied
from profilecore.adapters.jwt import ALGORITHMS
from profilecore.adapters.jwt.reading import KID_MAX, TOKEN_MAX
from tests.support.issuer import (
    Published,
    at_once,
    authenticator,
    claims,
    encoded,
    jwk,
    jwks,
    private_key,
    signed,
    token,
)

EVERY = list(ALGORITHMS)
PAYLOAD = json.dumps(claims()).encode()


def refused(credential: str, words: str = "token", keys: Published | None = None) -> None:
    ours = authenticator(keys=keys or Published(jwk("RS256", "one")), algorithms=EVERY)
    with pytest.raises(Denied, match=words) as raised:
        at_once(ours, credential)
    assert raised.value.code == "unauthenticated"


def unsigned(header: Mapping[str, Any], signature: str = "") -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(PAYLOAD)}.{signature}"


# Algorithms


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "none ", "", "null"])
@pytest.mark.parametrize("signature", ["", "AA", encoded(b"x" * 256)])
def test_no_signature_is_no_signature(alg: str, signature: str) -> None:
    refused(unsigned({"alg": alg, "typ": "JWT", "kid": "one"}, signature))
    refused(unsigned({"alg": alg}, signature))


@pytest.mark.parametrize("alg", [None, 0, [], ["RS256"], {"RS256": 1}, True])
def test_an_algorithm_that_is_no_text_is_refused(alg: object) -> None:
    refused(unsigned({"alg": alg, "kid": "one"}, "AA"), "does not name the algorithm")
    refused(unsigned({"kid": "one"}, "AA"), "does not name the algorithm")


def secrets() -> list[bytes]:
    """The public key, in every form in which somebody may have it."""
    public = private_key("RS256", "one").public_key()
    spki, pkcs1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
    pem = public.public_bytes(Encoding.PEM, spki)
    numbers = public.public_numbers()
    return [
        *(pem, pem.strip(), pem.replace(b"\n", b"\r\n")),
        *(public.public_bytes(Encoding.PEM, pkcs1), public.public_bytes(Encoding.DER, spki)),
        *(json.dumps(jwk("RS256", "one")).encode(), jwks(jwk("RS256", "one"))),
        *(numbers.n.to_bytes(256, "big"), jwk("RS256", "one")["n"].encode(), b""),
    ]


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256", "RS256", "EdDSA"])
def test_the_public_key_is_no_secret_to_sign_with(alg: str) -> None:
    for secret in secrets():
        header = {"alg": alg, "typ": "JWT", "kid": "one"}
        data = unsigned(header).rstrip(".")
        hashed = {"384": hashlib.sha384, "512": hashlib.sha512}.get(alg[2:], hashlib.sha256)
        refused(f"{data}.{encoded(hmac.new(secret, data.encode(), hashed).digest())}")


def test_a_secret_in_the_set_of_keys_is_not_taken() -> None:
    secret = b"s" * 32
    symmetric = {"kty": "oct", "kid": "one", "k": encoded(secret), "use": "sig", "alg": "HS256"}
    data = unsigned({"alg": "HS256", "kid": "one"}).rstrip(".")
    forged = f"{data}.{encoded(hmac.new(secret, data.encode(), hashlib.sha256).digest())}"
    refused(forged, keys=Published(symmetric, jwk("RS256", "two")))


# Headers that name a key


NAMES = [
    *("../../../../dev/null", "/etc/passwd", "file:///dev/null", "one/../one", "one\0", "one\n"),
    *("x' UNION SELECT 'AA", "'; DROP TABLE keys; --", "one' OR '1'='1", "one%00", "*", "one*"),
    *("http://127.0.0.1/keys", "| whoami", "${jndi:ldap://127.0.0.1/a}", "ONE", " one", "önë"),
    *("../one", "0", "None", "\ud800", "a" * KID_MAX),
]


@pytest.mark.parametrize("kid", NAMES)
def test_the_name_of_a_key_is_only_compared(kid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr("builtins.open", opened)
    monkeypatch.setattr("socket.socket.connect", opened)
    refused(token("RS256", header={"kid": kid}), "not signed by a key that the issuer")


@pytest.mark.parametrize("kid", ["", "a" * (KID_MAX + 1), 1, None, True, ["one"], {"one": 1}])
def test_the_name_of_a_key_is_a_text(kid: object) -> None:
    refused(token("RS256", header={"kid": kid}), "kid of the token is no text")


def own_key() -> dict[str, Any]:
    return jwk("RS256", "mine")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": own_key()},
        {"jwk": own_key() | {"kid": "one"}, "kid": "one"},
        {"x5c": ["MIIB"], "kid": "one"},
        {"x5t": "AAAA", "x5t#S256": "AAAA", "kid": "one"},
    ],
)
def test_a_key_that_comes_with_the_token_is_not_used(header: dict[str, Any]) -> None:
    head = json.dumps({"alg": "RS256"} | header).encode()
    refused(signed(head, PAYLOAD, "RS256", "mine"), "not that of its key")


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["b64"], "b64": False},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": None},
        {"crit": "alg"},
    ],
)
def test_extensions_that_have_to_be_understood_are_not(header: dict[str, Any]) -> None:
    refused(token("RS256", header=header), "crit")


# Texts


@pytest.mark.parametrize("name", ["alg", "kid", "jku"])
def test_a_name_that_is_twice_in_the_header_is_refused(name: str) -> None:
    head = b'{"alg":"RS256","kid":"one","%s":"none","%s":"one"}' % (name.encode(), name.encode())
    refused(signed(head, PAYLOAD, "RS256"), "header of the token cannot be read")


@pytest.mark.parametrize(
    "twice", ['"sub":"ada","sub":"bob"', '"exp":1,"exp":9999999999', '"a":{"b":1,"b":2}']
)
def test_a_name_that_is_twice_in_the_claims_is_refused(twice: str) -> None:
    payload = f"{PAYLOAD.decode()[:-1]},{twice}}}".encode()
    head = json.dumps({"alg": "RS256", "kid": "one"}).encode()
    refused(signed(head, payload, "RS256"), "claims of the token cannot be read")


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"null", b"[]", b'"x"', b"1", b"{", b"{}x", b"\xff", b"\xef\xbb\xbf{}"),
        *(b"[" * 5_000, b'{"a":' * 900, '{"alg":"RS256"}'.encode("utf-16"), b"{'alg':1}"),
    ],
)
def test_what_is_no_object_in_json_is_refused(text: bytes) -> None:
    head = json.dumps({"alg": "RS256", "kid": "one"}).encode()
    refused(signed(text, PAYLOAD, "RS256"))
    refused(signed(head, text, "RS256"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda text: f"{text}=",
        lambda text: f"{text}.",
        lambda text: f".{text}",
        lambda text: f"{text}.AA",
        lambda text: text.replace(".", "..", 1),
        lambda text: text.rpartition(".")[0],
        lambda text: text.replace(".", "\uff0e", 1),
        lambda text: text.replace("e", "\u0435", 1),
        lambda text: text[:-1] + "\ud800",
        lambda text: f"Bearer {text}",
        lambda text: f"{text},{text}",
        lambda text: json.dumps(dict(zip(("protected", "payload"), text.split("."), strict=False))),
    ],
)
def test_only_three_parts_in_base64url_are_read(change: Callable[[str], str]) -> None:
    refused(change(token("RS256")), "three parts in base64url")


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b", "a.b.c", "A.A.A", "é.é.é", "\0"])
def test_texts_that_are_nothing_are_refused(text: str) -> None:
    refused(text)


def test_there_is_one_way_to_write_a_signature() -> None:
    """The last letter holds bits of no byte: another one there would mean the same."""
    good = token("RS256")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = letters[letters.index(good[-1]) + 1]
    assert base64.urlsafe_b64decode(f"{good[-2:]}==") == base64.urlsafe_b64decode(
        f"{good[-2]}{same}=="
    )
    ours = authenticator(jwk("RS256", "one"), algorithms=EVERY)
    assert at_once(ours, good).subject == "ada"
    refused(f"{good[:-1]}{same}", "cannot be read")


# Cost


class Spent:
    """What was decoded, parsed and checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        for place, name in (
            (base64, "urlsafe_b64decode"),
            (json, "loads"),
            (hashlib, "sha256"),
        ):
            self._count(monkeypatch, place, name)
        self._count(monkeypatch, type(ALGORITHMS["RS256"].algorithm), "verify")

    def _count(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        real = getattr(place, name)

        def counted(*args: Any, **options: Any) -> Any:
            self.steps.append(name)
            return real(*args, **options)

        monkeypatch.setattr(place, name, counted)


def test_a_token_of_a_megabyte_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Published(jwk("RS256", "one"))
    huge = [
        token("RS256", filling="x" * 1_000_000),
        "A" * 1_000_000,
        f"{'A' * 333_333}." * 3,
        "." * 1_000_000,
        "\ud800" * 1_000_000,
    ]
    spent = Spent(monkeypatch)
    for credential in huge:
        refused(credential, f"longer than {TOKEN_MAX:,} characters", keys=keys)
    assert (spent.steps, keys.asked) == ([], 0)


def test_the_longest_token_is_taken_and_not_one_character_more() -> None:
    def of(length: int) -> str:
        fitting = (token("EdDSA", filling="x" * n) for n in range(length * 3 // 4 - 400, length))
        return next(text for text in fitting if len(text) >= length)

    longest = of(TOKEN_MAX - 1)
    assert TOKEN_MAX - 1 <= len(longest) <= TOKEN_MAX
    assert at_once(authenticator(), longest).subject == "ada"
    with pytest.raises(Denied, match="longer than"):
        at_once(authenticator(), of(TOKEN_MAX + 1))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "unknown"},
        {"kid": 5},
        {"crit": ["x"]},
        {"typ": "x"},
        {"alg": "ES256"},
    ],
)
def test_what_the_header_decides_costs_no_signature(
    header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = token("RS256", header=header)
    keys = Published(jwk("RS256", "one"))
    spent = Spent(monkeypatch)
    refused(forged, keys=keys)
    assert "verify" not in spent.steps
    assert spent.steps.count("loads") == 1


def test_claims_are_not_read_before_the_signature_is_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forged = token("RS256", kid="mine", header={"kid": "one"}, exp=0)
    keys = Published(jwk("RS256", "one"))
    spent = Spent(monkeypatch)
    refused(forged, "not that of its key", keys=keys)
    assert (spent.steps.count("verify"), spent.steps.count("loads")) == (1, 1)
