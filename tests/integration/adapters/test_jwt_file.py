"""The keys of an issuer in a file that is replaced, broken, taken away and put back."""

import os
import time
from pathlib import Path

import pytest

from profilecore import Denied, Unavailable
from profilecore.adapters.jwt import FileKeys, JwtAuthenticator
from profilecore.adapters.jwt.file_keys import LOOKED_AT_EVERY
from profilecore.adapters.jwt.key_set import SET_MAX, KeySet
from tests.support.issuer import Clock, authenticator, jwk, jwks, token

ONE, TWO = jwk("EdDSA", "one"), jwk("EdDSA", "two")


class Stage:
    """A file of keys, with a timer and what was said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.timer = Clock(0)
        self.said: list[tuple[bool, str]] = []
        self.keys = FileKeys(path, say=self._say, timer=self.timer)
        self.authenticator: JwtAuthenticator = authenticator(keys=self.keys)

    def _say(self, well: bool, sentence: str) -> None:
        self.said.append((well, sentence))

    def write(self, content: bytes) -> None:
        """As a careful person does: what is there is never half of it."""
        beside = self.path.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(self.path)

    async def later(self) -> KeySet:
        self.timer.now += LOOKED_AT_EVERY
        return await self.keys.current()


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path / "jwks.json")
    stage.write(jwks(ONE))
    await stage.authenticator.open()
    return stage


async def test_keys_are_replaced_without_a_restart(stage: Stage) -> None:
    old, new = token(kid="one"), token(kid="two")
    assert (await stage.authenticator.authenticate(old)).subject == "ada"
    stage.write(jwks(ONE, TWO))
    await stage.later()
    for shown in (old, new):
        assert (await stage.authenticator.authenticate(shown)).subject == "ada"
    stage.write(jwks(TWO))
    await stage.later()
    with pytest.raises(Denied, match="not signed by a key"):
        await stage.authenticator.authenticate(old)
    assert (await stage.authenticator.authenticate(new)).subject == "ada"
    assert stage.said == []


async def test_the_file_is_looked_at_once_a_second(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0
    stat = Path.stat

    def counted(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        nonlocal looked
        looked += path == stage.path
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", counted)
    for _ in range(100):
        await stage.keys.current()
        with pytest.raises(Denied):
            await stage.authenticator.authenticate(token(kid="two"))
    assert looked == 0
    await stage.later()
    await stage.keys.renewed()
    assert looked == 1


async def test_a_file_that_is_as_it_was_is_not_read_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await stage.keys.current()
    with monkeypatch.context() as patched:
        patched.delattr(Path, "open")
        assert await stage.later() is before
    os.utime(stage.path, (time.time() + 5, time.time() + 5))
    assert await stage.later() is before, "the same text is the same keys"


async def test_another_file_of_the_same_size_and_time_is_read(stage: Stage) -> None:
    stamp = stage.path.stat()
    stage.write(jwks(TWO))
    os.utime(stage.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert stage.path.stat().st_size == stamp.st_size
    assert (await stage.later()).knows("two")


async def test_a_mounted_folder_is_followed(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: a link to a link, of which one is turned."""
    for name, key in (("..1", ONE), ("..2", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jwks.json").write_bytes(jwks(key))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "jwks.json").symlink_to("..data/jwks.json")
    stage = Stage(tmp_path / "jwks.json")
    await stage.keys.open()
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert (await stage.later()).knows("two")


BROKEN = [
    b"",
    b"{",
    b"<html>",
    jwks(),
    jwks({"kty": "oct", "k": "AA"}),
    jwks(TWO).ljust(SET_MAX + 1),
]


@pytest.mark.parametrize("content", BROKEN)
async def test_a_broken_file_leaves_the_last_good_keys(stage: Stage, content: bytes) -> None:
    good = await stage.keys.current()
    stage.path.write_bytes(content)
    for _ in range(3):
        assert await stage.later() is good
    ((well, sentence),) = stage.said
    assert not well
    assert str(stage.path) in sentence
    assert sentence.endswith("The last good ones are used.")
    stage.path.write_bytes(jwks(TWO))
    assert (await stage.later()).knows("two")
    assert [well for well, _ in stage.said] == [False, True]


async def test_a_file_that_is_away_and_back_is_used_again(stage: Stage) -> None:
    good, aside = await stage.keys.current(), stage.path.with_suffix(".aside")
    stage.path.rename(aside)
    for _ in range(3):
        assert await stage.later() is good
    aside.rename(stage.path)  # the very same: nothing about it has changed
    assert await stage.later() is good
    assert [well for well, _ in stage.said] == [False, True]
    assert "No such file" in stage.said[0][1]


@pytest.mark.parametrize("content", BROKEN)
async def test_it_does_not_begin_with_a_broken_file(tmp_path: Path, content: bytes) -> None:
    stage = Stage(tmp_path / "jwks.json")
    stage.write(content)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"^The keys of the issuer in .*\.$") as raised:
            await stage.authenticator.open()
        assert raised.value.detail.isprintable()
    stage.write(jwks(ONE))
    await stage.authenticator.open()
    assert (await stage.authenticator.authenticate(token())).subject == "ada"
    await stage.authenticator.close()


@pytest.mark.parametrize(("name", "words"), [("none", "No such file"), (".", "Is a directory")])
async def test_it_does_not_begin_without_a_file(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        await Stage(tmp_path / name).authenticator.open()
