"""Who is asking: what the settings make of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from loguru import logger

from profilecore import Unavailable
from profilecore.adapters.jwt import ALGORITHMS, file_keys
from profilecore.entrypoints.access import jwt_authenticator
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.trust import ALGORITHMS as CONFIGURABLE
from profilecore.entrypoints.variables import BadSetting
from tests.support.issuer import AUDIENCE, NAME, jwk, jwks, token

NAMED = {"AUTH_JWT_ISSUER": NAME, "AUTH_JWT_AUDIENCE": AUDIENCE, "AUTH_JWT_JWKS": "jwks.json"}


@pytest.mark.parametrize("missing", NAMED)
def test_each_of_the_three_has_to_be_set(missing: str) -> None:
    env = {name: text for name, text in NAMED.items() if name != missing}
    with pytest.raises(BadSetting) as raised:
        jwt_authenticator(Settings.read("tool", env))
    assert str(raised.value).startswith(f"{missing} has to be set for AUTH_MODE=jwt; it takes ")


def test_what_can_be_configured_is_what_there_is() -> None:
    every = ",".join(ALGORITHMS)
    assert CONFIGURABLE.parse(every) == tuple(ALGORITHMS)
    assert all(name in CONFIGURABLE.takes for name in ALGORITHMS)
    jwt_authenticator(Settings.read("tool", NAMED | {"AUTH_JWT_ALGORITHMS": every}))


async def test_keys_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(jwks(jwk("EdDSA", "one"), jwk("PS256", "two")))
    env = NAMED | {"AUTH_JWT_JWKS": str(tmp_path / "jwks.json")}
    ours = jwt_authenticator(Settings.read("tool", env))
    await ours.open()
    now = time.time()
    assert (await ours.authenticate(token(exp=now + 60, iat=now))).subject == "ada"


@pytest.mark.parametrize("jwks", ["nowhere/jwks.json", "http://127.0.0.1:1/jwks.json"])
async def test_keys_that_are_not_there_are_said_in_one_line(jwks: str) -> None:
    ours = jwt_authenticator(Settings.read("tool", NAMED | {"AUTH_JWT_JWKS": jwks}))
    with pytest.raises(Unavailable) as raised:
        await ours.open()
    assert jwks in str(raised.value)
    assert str(raised.value).isprintable()


async def test_keys_that_break_are_said_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_keys, "LOOKED_AT_EVERY", 0.0)
    path = tmp_path / "jwks.json"
    ours = jwt_authenticator(Settings.read("tool", NAMED | {"AUTH_JWT_JWKS": str(path)}))
    keys, lines = jwks(jwk("EdDSA", "one")), list[str]()
    path.write_bytes(keys)
    await ours.open()
    now = time.time()
    sink = logger.add(lines.append, format="{level} {message}")
    try:
        for content in (b"{}", keys):
            path.write_bytes(content)
            await ours.authenticate(token(exp=now + 60, iat=now))
    finally:
        logger.remove(sink)
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    assert all(str(path) in line for line in lines)


LOADED = """
import sys
from profilecore.entrypoints.access import jwt_authenticator
from profilecore.entrypoints.settings import Settings
heavy = {"jwt", "cryptography", "httpx"}
print(sorted(heavy & set(sys.modules)))
env = {"AUTH_JWT_ISSUER": "i", "AUTH_JWT_AUDIENCE": "a", "AUTH_JWT_JWKS": sys.argv[1]}
jwt_authenticator(Settings.read("tool", env))
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("jwks", "needed"),
    [
        ("jwks.json", "['cryptography', 'jwt']"),
        ("https://id.test/keys", "['cryptography', 'httpx', 'jwt']"),
    ],
)
def test_nothing_is_imported_that_is_not_needed(jwks: str, needed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, jwks], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", needed]
