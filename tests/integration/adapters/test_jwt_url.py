"""The keys of an issuer at its URL: a real server, asked seldom and within bounds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profilecore import Caller, Denied, Unavailable
from profilecore.adapters.jwt import JwtAuthenticator
from profilecore.adapters.jwt.key_set import SET_MAX, KeySet
from profilecore.adapters.jwt.url_keys import (
    ASKED_EVERY,
    FRESH_FOR,
    KEPT_FOR,
    RENEWED_AFTER,
    UrlKeys,
)
from tests.support.certificates import certificate
from tests.support.issuer import Clock, at_once, authenticator, jwk, jwks, token
from tests.support.ports import free_port
from tests.support.receiver import Receiver

ONE, TWO = jwk("EdDSA", "one"), jwk("EdDSA", "two")


class Stage:
    """An issuer's server, with a timer and what was said."""

    def __init__(self, receiver: Receiver, path: str = "200/keys", **options: Any) -> None:
        self.receiver = receiver
        receiver.body = jwks(ONE)
        self.timer = Clock(0)
        self.said: list[tuple[bool, str]] = []
        url = f"http://127.0.0.1:{receiver.port}/{path}"
        self.keys = UrlKeys(url, say=self._say, timer=self.timer, **options)
        self.authenticator: JwtAuthenticator = authenticator(keys=self.keys)

    def _say(self, well: bool, sentence: str) -> None:
        self.said.append((well, sentence))

    async def shows(self, kid: str) -> Caller:
        return await self.authenticator.authenticate(token(kid=kid))

    async def after(self, seconds: float) -> KeySet:
        self.timer.now += seconds
        return await self.keys.current()

    async def settled(self) -> None:
        """Once nobody is asked any more."""
        await asyncio.gather(*asking(), return_exceptions=True)

    @property
    def asked(self) -> int:
        return len(self.receiver.calls)


def asking() -> list["asyncio.Task[None]"]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "keys of the issuer"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def stage(receiver: Receiver) -> Stage:
    stage = Stage(receiver)
    await stage.authenticator.open()
    return stage


# When it is asked


async def test_it_is_asked_once_for_any_number_of_tokens(stage: Stage) -> None:
    for _ in range(20):
        assert (await stage.shows("one")).subject == "ada"
    await stage.after(RENEWED_AFTER - 1)
    assert stage.asked == 1
    (call,) = stage.receiver.calls
    assert (call.path, call.body) == ("/200/keys", b"")
    assert call.headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in call.headers


async def test_keys_are_renewed_in_the_background_before_they_are_old(stage: Stage) -> None:
    stage.receiver.body = jwks(TWO)
    stage.timer.now += RENEWED_AFTER
    assert at_once(stage.authenticator, token()).subject == "ada"
    await stage.settled()
    assert (await stage.keys.current()).knows("two")
    assert stage.asked == 2


async def test_old_keys_are_waited_for(stage: Stage) -> None:
    stage.receiver.body = jwks(TWO)
    assert not (await stage.after(FRESH_FOR)).knows("one")
    with pytest.raises(Denied, match="not signed by a key"):
        await stage.shows("one")
    assert stage.asked == 2


async def test_the_same_keys_again_are_the_same(stage: Stage) -> None:
    before = await stage.keys.current()
    assert await stage.after(FRESH_FOR) is before
    assert stage.asked == 2


async def test_a_key_that_is_not_known_is_asked_for_at_once(stage: Stage) -> None:
    await stage.shows("one")
    stage.receiver.body = jwks(TWO)
    stage.timer.now += ASKED_EVERY
    assert (await stage.shows("two")).subject == "ada"
    with pytest.raises(Denied):
        await stage.shows("one")  # the old key is out, and what was remembered of it
    assert stage.asked == 2


async def test_keys_that_do_not_exist_are_asked_for_once_in_ten_seconds(stage: Stage) -> None:
    async def attack() -> None:
        shown = [token(header={"kid": f"random-{n}"}) for n in range(50)]
        work = [stage.authenticator.authenticate(text) for text in shown]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Denied}

    await attack()
    assert stage.asked == 1, "it was asked at the start"
    stage.timer.now += ASKED_EVERY - 0.1
    await attack()
    assert stage.asked == 1
    stage.timer.now += 0.1
    await attack()
    await attack()
    assert stage.asked == 2


async def test_many_at_once_are_one_request(stage: Stage) -> None:
    stage.timer.now += FRESH_FOR
    await asyncio.gather(*(stage.shows("one") for _ in range(50)))
    assert stage.asked == 2


async def test_whoever_leaves_takes_it_from_nobody_else(stage: Stage) -> None:
    stage.receiver.body = jwks(TWO)
    stage.timer.now += ASKED_EVERY
    leaving = asyncio.create_task(stage.shows("two"))
    staying = asyncio.create_task(stage.shows("two"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).subject == "ada"
    assert leaving.cancelled()


# While it is away


WRONG = {
    "500": "it answered 500",
    "404": "it answered 404",
    "204": "it answered 204",
    "302": "it answered 302",
    "slow": "did not answer in time",
    "drip": "did not answer in time",
    "huge": f"more than {SET_MAX:,} bytes",
    "breaks": "did not answer in HTTP",
    "garbage": "did not answer in HTTP",
    "binary": "not an object in JSON",
}


@pytest.mark.parametrize(("path", "words"), WRONG.items())
async def test_the_last_good_keys_are_used_while_it_is_away(
    receiver: Receiver, path: str, words: str
) -> None:
    stage = Stage(receiver, time_max=0.5)
    await stage.authenticator.open()
    receiver.instead = path
    for _ in range(2):
        await stage.after(FRESH_FOR)
        assert (await stage.shows("one")).subject == "ada"
        await stage.settled()
    ((well, sentence),) = stage.said
    assert not well
    assert words in sentence
    receiver.instead, receiver.body = None, jwks(ONE, TWO)
    await stage.after(ASKED_EVERY)
    await stage.settled()
    assert (await stage.shows("two")).subject == "ada"
    assert [well for well, _ in stage.said] == [False, True]


async def test_nobody_waits_again_for_one_that_is_away(receiver: Receiver) -> None:
    stage = Stage(receiver, time_max=0.3)
    await stage.authenticator.open()
    receiver.instead = "slow"
    await stage.after(FRESH_FOR)  # this one did
    for _ in range(5):
        stage.timer.now += ASKED_EVERY
        assert at_once(stage.authenticator, token()).subject == "ada"
        await stage.settled()
    assert stage.asked == 7


async def test_no_redirect_is_followed(receiver: Receiver) -> None:
    stage = Stage(receiver, "302")
    with pytest.raises(Unavailable, match="it answered 302"):
        await stage.authenticator.open()
    assert [call.path for call in receiver.calls] == ["/302"]


async def test_of_a_huge_answer_little_is_read(receiver: Receiver) -> None:
    stage = Stage(receiver, "huge")
    with pytest.raises(Unavailable, match="more than"):
        await stage.authenticator.open()
    await asyncio.sleep(0.2)
    sent = receiver.sent
    await asyncio.sleep(0.2)
    assert receiver.sent == sent, "the connection is closed"


async def test_after_a_day_the_last_keys_are_too_old(stage: Stage) -> None:
    stage.receiver.instead = "500"
    await stage.after(KEPT_FOR - 1)
    assert (await stage.shows("one")).subject == "ada"
    await stage.settled()
    stage.timer.now += 1
    with pytest.raises(Unavailable, match="were not to be had for 24 h") as raised:
        await stage.shows("one")
    assert raised.value.retry_after == ASKED_EVERY
    stage.receiver.instead = None
    await stage.settled()
    stage.timer.now += ASKED_EVERY
    with pytest.raises(Unavailable):
        await stage.shows("one")
    await stage.settled()
    assert (await stage.shows("one")).subject == "ada"


async def test_after_a_day_without_a_request_the_first_one_waits(stage: Stage) -> None:
    stage.timer.now += 3 * KEPT_FOR
    assert (await stage.shows("one")).subject == "ada"


# The start and the end


@pytest.mark.parametrize(("path", "words"), WRONG.items())
async def test_it_does_not_begin_without_keys(receiver: Receiver, path: str, words: str) -> None:
    stage = Stage(receiver, f"{path}/?token=secret", time_max=0.5)
    with pytest.raises(Unavailable, match=words) as raised:
        await stage.authenticator.open()
    assert raised.value.detail.startswith("The keys of the issuer in http://127.0.0.1:")
    assert raised.value.detail.isprintable()
    assert "secret" not in raised.value.detail


async def test_it_does_not_begin_where_nobody_listens() -> None:
    keys = UrlKeys(f"http://127.0.0.1:{free_port()}/", say=lambda *_: None)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await authenticator(keys=keys).open()


async def test_an_end_leaves_no_request_behind(receiver: Receiver) -> None:
    stage = Stage(receiver, time_max=60.0)
    await stage.authenticator.open()
    receiver.instead = "slow"
    await stage.after(RENEWED_AFTER)
    while stage.asked < 2:  # noqa: ASYNC110 - a thread answers, for which nobody waits
        await asyncio.sleep(0.005)
    assert len(asking()) == 1
    await asyncio.wait_for(stage.authenticator.close(), 20)
    assert asking() == []
    await stage.authenticator.close()


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_is_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv(proxy, f"http://127.0.0.1:{free_port()}")
    await Stage(receiver).authenticator.open()
    assert len(receiver.calls) == 1


# TLS, and whom nobody asks


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


async def secure(own: Path, host: str) -> Caller:
    with Receiver(own) as receiver:
        receiver.body = jwks(ONE)
        keys = UrlKeys(f"https://{host}:{receiver.port}/200", say=lambda *_: None)
        ours = authenticator(keys=keys)
        await ours.open()
        return await ours.authenticate(token())


async def test_tls_is_spoken_with_the_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert (await secure(own, "localhost")).subject == "ada"


async def test_a_certificate_for_another_name_is_refused(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with pytest.raises(Unavailable, match="no certificate that can be trusted: IP address mism"):
        await secure(own, "127.0.0.1")


async def test_a_certificate_that_nobody_signed_is_refused(own: Path) -> None:
    with pytest.raises(Unavailable, match="no certificate that can be trusted: self-signed"):
        await secure(own, "localhost")


@pytest.mark.parametrize("kid", ["mine", "one"])
async def test_a_url_in_a_token_gets_no_request(stage: Stage, kid: str) -> None:
    """A server that would give the key with which the token is signed."""
    with Receiver() as evil:
        evil.body = jwks(jwk("EdDSA", "mine"), jwk("EdDSA", "mine", kid="one"))
        url = f"http://127.0.0.1:{evil.port}/200"
        stage.timer.now += ASKED_EVERY
        for names in ({"jku": url}, {"x5u": url}, {"kid": url}, {"iss": url}, {"jku": [url]}):
            header = {"alg": "EdDSA", "kid": kid} | names
            with pytest.raises(Denied):
                await stage.authenticator.authenticate(token(kid="mine", header=header, iss=url))
            with pytest.raises(Denied):
                await stage.authenticator.authenticate(token(kid="mine", header=header))
        assert evil.calls == []
    assert {call.path for call in stage.receiver.calls} == {"/200/keys"}
