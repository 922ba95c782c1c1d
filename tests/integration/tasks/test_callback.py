"""Calls back over HTTP, to a real server: signed, pinned, bounded."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from profilecore import Attempt, Context, GiveUp, Unavailable
from profilecore.adapters.callback import callback
from profilecore.adapters.callback.caller import Callbacks
from profilecore.adapters.callback.handler import TIME_MAX
from profilecore.identifiers import new_id
from profilecore.reach import Allowed
from tests.docs.pages import DOCS, steps
from tests.support.certificates import certificate
from tests.support.ports import free_port
from tests.support.receiver import Receiver

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), "hooks.test")


class Names:
    """A DNS of its own, asked once for each answer."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0)


def callbacks(*allowed: str, **options: Any) -> Callbacks:
    ways = {"time_max": TIME_MAX} | options
    return Callbacks([Allowed.read(text) for text in allowed], SECRET, **ways)


async def call(callbacks: Callbacks, url: str, **payload: Any) -> tuple[Context, Any]:
    context = Context(Attempt(new_id(), 1, 5), "http.callback")
    payload = {"url": url} | payload
    callbacks.check(payload)
    return context, await callbacks.run(context, payload)


async def here(receiver: Receiver, path: str, **options: Any) -> Any:
    """What comes of a call to a server whose address is allowed."""
    address = f"127.0.0.1:{receiver.port}"
    _, result = await call(callbacks(address, **options), f"http://{address}/{path}")
    return result


# What is sent, and what comes of it


async def test_a_call_is_json_that_is_signed(receiver: Receiver) -> None:
    address = f"127.0.0.1:{receiver.port}"
    headers = {"X-Tenant": "Ada's", "accept": "text/plain", "ACCEPT": "application/json"}
    before = int(time.time())
    context, result = await call(
        callbacks(address), f"http://{address}/200", body={"done": ["ü", 1]}, headers=headers
    )
    assert result == {"status": 200, "body": '{"said":"ü"}'}
    (sent,) = receiver.calls
    assert sent.body == '{"done":["ü",1]}'.encode()
    got = {name.lower(): value for name, value in sent.headers.items()}
    assert len(got) == len(sent.headers)
    id_ = str(context.attempt.task_id)
    assert got["content-type"] == "application/json"
    assert got["host"] == address
    assert (got["webhook-id"], got["idempotency-key"]) == (id_, id_)
    assert (got["x-tenant"], got["accept"]) == ("Ada's", "application/json")
    assert before <= int(got["webhook-timestamp"]) <= time.time()
    # As https://github.com/standard-webhooks/standard-webhooks has it, and not by our own code.
    content = b".".join([id_.encode(), got["webhook-timestamp"].encode(), sent.body])
    digest = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert got["webhook-signature"] == f"v1,{digest}"


def receivers_function() -> Any:
    """What the how-to gives to those who are called."""
    page = DOCS / "how-to" / "write-a-task.md"
    (source,) = (step.text for step in steps(page) if "def verified" in step.text)
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - our own page
    return names["verified"]


def test_the_receiver_of_the_how_to_takes_the_standards_own_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one that its libraries are tested with."""
    monkeypatch.setattr(time, "time", lambda: 1614265330.0)
    headers = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert receivers_function()(secret, headers, b'{"test": 2432232314}')


async def test_the_receiver_of_the_how_to_knows_a_call_from_a_forgery(receiver: Receiver) -> None:
    verified = receivers_function()
    await here(receiver, "200")
    (sent,) = receiver.calls
    assert verified(SECRET, sent.headers, sent.body)
    assert not verified(f"{SECRET[:-4]}AAA=", sent.headers, sent.body)
    assert not verified(SECRET, sent.headers, sent.body + b" ")
    for name, value in (("Webhook-Id", str(new_id())), ("Webhook-Timestamp", "1614265330")):
        assert not verified(SECRET, sent.headers | {name: value}, sent.body)


@pytest.mark.parametrize("status", [200, 202, 299])
async def test_what_is_well_is_the_result(receiver: Receiver, status: int) -> None:
    assert (await here(receiver, str(status)))["status"] == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
async def test_what_may_be_well_later_fails(receiver: Receiver, status: int) -> None:
    with pytest.raises(Unavailable, match=f"^127.0.0.1 answered {status}\\.$"):
        await here(receiver, str(status))


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_what_will_not_be_well_is_given_up(receiver: Receiver, status: int) -> None:
    with pytest.raises(GiveUp, match=f"^127.0.0.1 answered {status}\\.$"):
        await here(receiver, str(status))


async def test_no_redirect_is_followed(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="302: a redirect, and none is followed") as raised:
        await here(receiver, "302")
    assert "secret" not in str(raised.value)
    assert [sent.path for sent in receiver.calls] == ["/302"]


# Bounds


async def test_of_a_huge_answer_the_beginning_is_read(receiver: Receiver) -> None:
    result = await here(receiver, "huge")
    assert result == {"status": 200, "body": "x" * 4_000}
    await asyncio.sleep(0.2)
    sent = receiver.sent
    await asyncio.sleep(0.2)
    assert receiver.sent == sent, "the connection is closed"


async def test_an_answer_that_is_no_text_is_kept_as_text(receiver: Receiver) -> None:
    result = await here(receiver, "binary")
    assert len(result["body"]) == 4_000
    assert "\0" not in result["body"]
    assert len(json.dumps(result)) < 64 * 1024


@pytest.mark.parametrize("path", ["slow", "drip"])
async def test_a_slow_answer_is_not_waited_for(receiver: Receiver, path: str) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 did not answer within 0\.5 s"):
        await here(receiver, path, time_max=0.5)


async def test_a_slow_dns_is_not_waited_for() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    slow = callbacks("hooks.test", resolver=never, time_max=0.2)
    with pytest.raises(Unavailable, match=r"hooks\.test did not answer within"):
        await call(slow, "https://hooks.test/")


@pytest.mark.parametrize("path", ["breaks", "garbage"])
async def test_what_is_no_answer_fails(receiver: Receiver, path: str) -> None:
    with pytest.raises(Unavailable, match="did not answer in HTTP"):
        await here(receiver, path)


async def test_nobody_there_fails() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match="cannot be reached"):
        await call(callbacks(address), f"http://{address}/?token=secret")


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_is_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv(proxy, f"http://127.0.0.1:{free_port()}")
    assert (await here(receiver, "200"))["status"] == 200


# Names and addresses


async def test_the_address_that_was_looked_at_is_called(receiver: Receiver) -> None:
    """The name is known to nobody else, and would be another's the second time."""
    names = Names(["127.0.0.1"])
    allowed = callbacks(f"internal=hooks.test:{receiver.port}", resolver=names)
    _, result = await call(allowed, f"http://hooks.test:{receiver.port}/200")
    assert result["status"] == 200
    assert names.asked == [("hooks.test", receiver.port)]
    assert receiver.calls[0].headers["Host"] == f"hooks.test:{receiver.port}"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["::1", "127.0.0.1"],
        ["169.254.169.254"],
        ["0.0.0.0"],  # noqa: S104 - is to be refused
        ["10.0.0.1", "fd00::1"],
        ["127.1"],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_not_called(
    receiver: Receiver, addresses: list[str]
) -> None:
    for allowed in (f"hooks.test:{receiver.port}", f"*.test:{receiver.port}"):
        refusing = callbacks(allowed, resolver=Names(addresses))
        with pytest.raises(GiveUp, match=r"hooks\.test is at an address of the inside"):
            await call(refusing, f"http://hooks.test:{receiver.port}/200")
    assert receiver.calls == []


async def test_an_address_inside_is_left_out_beside_one_that_is_not(receiver: Receiver) -> None:
    names = Names(["127.0.0.1", "192.0.2.1"], ["169.254.169.254", "127.0.0.1"])
    refusing = callbacks(f"hooks.test:{receiver.port}", resolver=names)
    with pytest.raises(GiveUp):
        await call(refusing, f"http://hooks.test:{receiver.port}/200")
    assert receiver.calls == []
    inside = callbacks(f"internal=hooks.test:{receiver.port}", resolver=names)
    _, result = await call(inside, f"http://hooks.test:{receiver.port}/200")
    assert result["status"] == 200


async def test_of_several_addresses_the_first_that_answers_is_called(receiver: Receiver) -> None:
    names = Names(["::1", "127.0.0.9", "127.0.0.1"])
    inside = callbacks(f"internal=hooks.test:{receiver.port}", resolver=names)
    _, result = await call(inside, f"http://hooks.test:{receiver.port}/200")
    assert result["status"] == 200


async def test_what_may_have_been_had_is_not_sent_to_another_address(receiver: Receiver) -> None:
    names = Names(["127.0.0.1", "127.0.0.1"])
    inside = callbacks(f"internal=hooks.test:{receiver.port}", resolver=names)
    with pytest.raises(Unavailable):
        await call(inside, f"http://hooks.test:{receiver.port}/breaks")
    assert len(receiver.calls) == 1


async def test_a_name_that_nobody_has_fails() -> None:
    with pytest.raises(Unavailable, match=r"The host hooks\.invalid was not found"):
        await call(callbacks("hooks.invalid"), "https://hooks.invalid/?token=secret")


async def test_a_name_that_has_no_form_in_the_dns_fails() -> None:
    label = "a" * 63
    host = ".".join([label] * 5)
    with pytest.raises(Unavailable, match="was not found"):
        await call(callbacks(host), f"https://{host}/")


async def test_the_systems_own_names_are_used_and_looked_at(receiver: Receiver) -> None:
    url = f"http://localhost:{receiver.port}/200"
    with pytest.raises(GiveUp, match="inside"):
        await call(callbacks(f"localhost:{receiver.port}"), url)
    _, result = await call(callbacks(f"internal=localhost:{receiver.port}"), url)
    assert result["status"] == 200


async def test_what_is_not_allowed_any_more_is_given_up(receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/200"
    context = Context(Attempt(new_id(), 1, 5), "http.callback")
    for now in (callbacks("other.test"), callback([], SECRET)):
        with pytest.raises(GiveUp, match="CALLBACK_HOSTS"):
            await now.run(context, {"url": url})
    assert receiver.calls == []


# TLS


async def secure(own: Path, host: str) -> Any:
    with Receiver(own) as receiver:
        port = receiver.port
        inside = callbacks(f"internal={host}:{port}", resolver=Names(["127.0.0.1"]))
        _, result = await call(inside, f"https://{host}:{port}/200")
        return result


async def test_tls_is_spoken_with_the_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert (await secure(own, "hooks.test"))["status"] == 200


async def test_a_certificate_for_another_name_is_refused(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with pytest.raises(Unavailable, match=r"other\.test has no certificate .* Hostname mismatch"):
        await secure(own, "other.test")


async def test_a_certificate_that_nobody_signed_is_refused(own: Path) -> None:
    with pytest.raises(Unavailable, match=r"hooks\.test has no certificate .* self-signed"):
        await secure(own, "hooks.test")


async def test_a_server_that_speaks_no_tls_fails(receiver: Receiver) -> None:
    address = f"127.0.0.1:{receiver.port}"
    with pytest.raises(Unavailable, match="cannot be reached"):
        await call(callbacks(address), f"https://{address}/200")
