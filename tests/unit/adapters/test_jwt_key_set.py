"""What is taken of the keys that an issuer publishes."""

import json
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from profilecore import Invalid
from profilecore.adapters.jwt import ALGORITHMS
from profilecore.adapters.jwt.key_set import KEYS_MAX, SET_MAX, KeySet
from tests.support.issuer import LEFT_OUT, encoded, jwk, jwks, number, private_key


def taken(*keys: Any) -> KeySet:
    return KeySet.read(jwks(*keys))


def algorithms(keys: KeySet, kid: str = "one") -> set[str]:
    return {alg for alg in ALGORITHMS if keys.find(kid, alg) is not None}


RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


@pytest.mark.parametrize(
    ("key", "suits"),
    [
        (jwk("RS256", "one"), RSA),
        (jwk("RS256", "one", alg="RS256"), {"RS256"}),
        (jwk("RS256", "one", alg="PS384"), {"PS384"}),
        (jwk("RS256", "one", use=LEFT_OUT), RSA),
        (jwk("RS256", "one", key_ops=["verify"], use=LEFT_OUT), RSA),
        (jwk("RS256", "one", x5c=["MIIB"], x5t="AAAA", nonsense={"a": 1}), RSA),
        (jwk("ES256", "one"), {"ES256"}),
        (jwk("ES384", "one"), {"ES384"}),
        (jwk("EdDSA", "one"), {"EdDSA", "Ed25519"}),
        (jwk("EdDSA", "one", alg="EdDSA"), {"EdDSA"}),
    ],
)
def test_a_key_is_for_what_it_is(key: dict[str, Any], suits: set[str]) -> None:
    assert algorithms(taken(key)) == suits


def rsa_key(bits: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return jwk("RS256", "one", n=number(numbers.n), e=number(numbers.e))


def other_curve() -> dict[str, Any]:
    point = ec.generate_private_key(ec.SECP521R1()).public_key().public_numbers()
    x, y = (encoded(part.to_bytes(66, "big")) for part in (point.x, point.y))
    return jwk("ES256", "one", crv="P-521", x=x, y=y)


def private(alg: str) -> dict[str, Any]:
    key = private_key(alg, "one")
    d = key.private_numbers().d if alg == "RS256" else key.private_numbers().private_value
    return jwk(alg, "one", d=number(d))


X25519 = encoded(x25519.X25519PrivateKey.generate().public_key().public_bytes_raw())

UNFIT = [
    rsa_key(1024),
    jwk("RS256", "one", n=number((1 << 8_200) + 1)),
    jwk("RS256", "one", e=number(1)),
    jwk("RS256", "one", e=LEFT_OUT),
    jwk("RS256", "one", n=LEFT_OUT),
    jwk("RS256", "one", n=5),
    jwk("RS256", "one", n=None),
    jwk("RS256", "one", n="é"),
    jwk("RS256", "one", n=""),
    jwk("RS256", "one", kty="oct", k="c2VjcmV0"),
    jwk("RS256", "one", kty="EC"),
    jwk("RS256", "one", kty="rsa"),
    jwk("RS256", "one", kty=LEFT_OUT),
    jwk("RS256", "one", kty=["RSA"]),
    jwk("RS256", "one", use="enc"),
    jwk("RS256", "one", use=None),
    jwk("RS256", "one", use=["sig"]),
    jwk("RS256", "one", key_ops=["sign"]),
    jwk("RS256", "one", key_ops="verify"),
    jwk("RS256", "one", alg="HS256"),
    jwk("RS256", "one", alg="RSA-OAEP"),
    jwk("RS256", "one", alg="ES256"),
    jwk("RS256", "one", alg=5),
    jwk("RS256", "one", kid=5),
    jwk("RS256", "one", kid=""),
    jwk("RS256", "one", kid="a" * 256),
    private("RS256"),
    private("ES256"),
    other_curve(),
    jwk("ES256", "one", crv="secp256k1"),
    jwk("ES256", "one", crv="P-384"),
    jwk("ES256", "one", crv=LEFT_OUT),
    jwk("ES256", "one", x=encoded(b"\1" * 32)),  # not on the curve
    jwk("ES256", "one", x=encoded(b"\0" * 32), y=encoded(b"\0" * 32)),
    jwk("ES256", "one", x=encoded(b"\1")),
    jwk("ES256", "one", y=LEFT_OUT),
    jwk("EdDSA", "one", crv="X25519", x=X25519),
    jwk("EdDSA", "one", crv="Ed448"),
    jwk("EdDSA", "one", x=encoded(b"\1" * 31)),
    jwk("EdDSA", "one", x=LEFT_OUT),
    *(None, "key", 5, [], {}, ["kty", "RSA"]),
]


@pytest.mark.parametrize("key", UNFIT)
def test_what_signs_no_tokens_is_left_out(key: object) -> None:
    keys = taken(key, jwk("ES256", "two"))
    assert (algorithms(keys, "one"), algorithms(keys, "two")) == (set(), {"ES256"})
    assert not keys.knows("one")
    assert keys.find(None, "ES256") is not None, "it is the only one that counts"
    with pytest.raises(Invalid, match="has no key for signatures"):
        taken(key)


def test_a_key_that_this_openssl_does_not_know_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(_: object) -> None:
        raise UnsupportedAlgorithm("no such curve")

    monkeypatch.setattr(type(ALGORITHMS["ES256"].algorithm), "from_jwk", staticmethod(unknown))
    keys = taken(jwk("ES256", "one"), jwk("RS256", "two"))
    assert (keys.knows("one"), keys.knows("two")) == (False, True)


def test_of_two_keys_of_one_name_the_first_is_taken_and_both_kinds_are() -> None:
    first, second = jwk("EdDSA", "one"), jwk("EdDSA", "two", kid="one")
    keys = taken(first, second, jwk("ES256", "one"))
    found = keys.find("one", "EdDSA")
    assert found is not None
    assert (
        found.public.public_bytes_raw()
        == private_key("EdDSA", "one").public_key().public_bytes_raw()
    )
    assert algorithms(keys) == {"EdDSA", "Ed25519", "ES256"}


def test_a_key_without_a_name_is_found_alone() -> None:
    nameless = jwk("EdDSA", "one", kid=LEFT_OUT)
    assert taken(nameless).find(None, "EdDSA") is not None
    assert taken(nameless).find("one", "EdDSA") is None
    assert taken(nameless, jwk("ES256", "two")).find(None, "EdDSA") is None


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"null", b"[]", b"{}", b'{"keys":null}', b'{"keys":{}}', b'{"keys":[]}', b"\xff"),
        *(b"<html>", b'{"keys":[],"keys":[]}', b"[" * 100_000, b'{"keys":[NaN]}'),
        b"-----BEGIN PUBLIC KEY-----",
    ],
)
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid, match=r"^it (is not an object in JSON|has no )"):
        KeySet.read(text)


def test_a_set_is_bounded() -> None:
    many = [jwk("EdDSA", "one"), *[{}] * (KEYS_MAX - 1)]
    assert taken(*many).knows("one")
    with pytest.raises(Invalid, match="at most 100"):
        taken(*many, {})
    padded = jwks(jwk("EdDSA", "one")).ljust(SET_MAX)
    assert KeySet.read(padded).knows("one")
    with pytest.raises(Invalid, match="more than 1,048,576 bytes"):
        KeySet.read(padded + b" ")


def test_no_key_shows_its_numbers() -> None:
    key = taken(jwk("EdDSA", "one")).find("one", "EdDSA")
    assert json.dumps(jwk("EdDSA", "one")["x"]) not in repr(key)
    assert "kid='one'" in repr(key)
