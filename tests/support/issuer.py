"""An issuer of tokens, with real keys, who signs whatever a test wants signed."""

import base64
import functools
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from profilecore import Caller
from profilecore.adapters.jwt import JwtAuthenticator
from profilecore.adapters.jwt.key_set import KeySet

NAME: Final = "https://issuer.test/realms/people"
AUDIENCE: Final = "profiles"
NOW: Final = 1_800_000_000.0
LEFT_OUT: Final = object()


class Clock:
    """Shows what it is set to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@functools.cache
def private_key(alg: str, kid: str = "") -> Any:
    """One key for each name, made once."""
    if alg.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg.startswith("ES"):
        return ec.generate_private_key(ec.SECP384R1() if alg == "ES384" else ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def signature(alg: str, key: Any, data: bytes) -> bytes:
    """As RFC 7518 has it, and not by the library that is to check it."""
    hashed = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(alg[2:])
    if alg.startswith("RS"):
        return bytes(key.sign(data, padding.PKCS1v15(), hashed))
    if alg.startswith("PS"):
        assert hashed is not None
        pss = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
        return bytes(key.sign(data, pss, hashed))
    if alg.startswith("ES"):
        assert hashed is not None
        size = (key.curve.key_size + 7) // 8
        pair = decode_dss_signature(key.sign(data, ec.ECDSA(hashed)))
        return b"".join(number.to_bytes(size, "big") for number in pair)
    return bytes(key.sign(data))


def jwk(alg: str, name: str, /, **members: Any) -> dict[str, Any]:
    """The public key of that name, as it is published; `LEFT_OUT` takes a member out."""
    public = private_key(alg, name).public_key()
    found: dict[str, Any] = {"use": "sig", "kid": name}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        found |= {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        found |= {"kty": "EC", "crv": f"P-{public.curve.key_size}"}
        found |= {"x": encoded(point.x.to_bytes(size, "big"))}
        found |= {"y": encoded(point.y.to_bytes(size, "big"))}
    else:
        found |= {"kty": "OKP", "crv": "Ed25519", "x": encoded(public.public_bytes_raw())}
    return {name: part for name, part in (found | members).items() if part is not LEFT_OUT}


def jwks(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a good token; `LEFT_OUT` takes one out."""
    usual = {
        "iss": NAME,
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": NOW + 300,
        "iat": NOW,
        "scope": "profiles:read openid tasks:write",
    }
    return {name: claim for name, claim in (usual | changed).items() if claim is not LEFT_OUT}


def token(
    alg: str = "EdDSA", kid: str = "one", header: Mapping[str, Any] = {}, **changed: Any
) -> str:
    """A token signed by that key; `header` and `changed` are what differs from a good one."""
    usual = {"alg": alg, "typ": "JWT", "kid": kid} | dict(header)
    head = {name: part for name, part in usual.items() if part is not LEFT_OUT}
    return signed(json.dumps(head).encode(), json.dumps(claims(**changed)).encode(), alg, kid)


def signed(header: bytes, payload: bytes, alg: str = "EdDSA", kid: str = "one") -> str:
    data = f"{encoded(header)}.{encoded(payload)}"
    return f"{data}.{encoded(signature(alg, private_key(alg, kid), data.encode()))}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Published:
    """The Keys port: keys that a test puts there itself, and how often they were asked for."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.set = KeySet.read(jwks(*keys))
        self.coming: KeySet | None = None
        self.asked = 0
        self.renewals = 0

    async def open(self) -> None:
        """They are there."""

    async def close(self) -> None:
        """Nothing is open."""

    async def current(self) -> KeySet:
        self.asked += 1
        return self.set

    async def renewed(self) -> KeySet:
        self.renewals += 1
        self.set = self.coming or self.set
        return self.set


def authenticator(*keys: Mapping[str, Any], **options: Any) -> JwtAuthenticator:
    """One that believes these keys; without any, that of `token()`."""
    published = options.pop("keys", None) or Published(*(keys or [jwk("EdDSA", "one")]))
    usual: dict[str, Any] = {
        "issuer": NAME,
        "audience": AUDIENCE,
        "algorithms": ["EdDSA"],
        "clock": Clock(),
    }
    return JwtAuthenticator(published, **(usual | options))


def at_once(authenticator: JwtAuthenticator, credential: str) -> Caller:
    """What it says, where it has nothing to wait for: no loop is needed."""
    work = authenticator.authenticate(credential)
    try:
        work.send(None)
    except StopIteration as ended:
        caller = ended.value
        assert isinstance(caller, Caller)
        return caller
    raise AssertionError("it waits")
