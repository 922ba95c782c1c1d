"""A secret is found in nothing that comes out, whatever goes well or wrong."""

import base64
import dataclasses
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from profilecore.adapters.postgres import PostgresAddress
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import HEADERS, QUEUE, SECRET, SIGNING, Kind
from tests.support.callers import ALL, token
from tests.support.careless import CARELESS
from tests.support.collector import Collector
from tests.support.http import PROFILES, person
from tests.support.pictures import encoded, photograph
from tests.support.ports import free_port
from tests.support.postgres import Postgres, database, execute, settings
from tests.support.processes import Server, run
from tests.support.rabbitmq import RabbitProcess
from tests.support.receiver import Receiver
from tests.support.redis import RedisProcess
from tests.support.s3 import REGION, S3Process
from tests.support.tasks import TASKS, reached, submitted

FORMS: dict[Kind[Any], Callable[[str], str]] = {
    SECRET: lambda canary: canary,
    QUEUE: lambda canary: f"amqp://guest:{canary}@127.0.0.1:{{rabbit}}/",
    SIGNING: lambda canary: f"whsec_{canary}",
    HEADERS: lambda canary: f"authorization=Bearer%20{canary}",
}
"""How a canary is put into a setting; a secret of another kind has to be added here."""
SECRETS = {
    field.name.upper(): field.metadata["variable"].kind
    for field in dataclasses.fields(Settings)
    if "variable" in field.metadata and field.metadata["variable"].kind.secret
}


def canary() -> str:
    """48 letters and digits, which look the same however they are quoted, and decode as base64."""
    return f"canary{secrets.token_hex(21)}"


@dataclass
class Aviary:
    """The canaries, and what has come out of the service where none may be."""

    settings: dict[str, str] = field(default_factory=lambda: {name: canary() for name in SECRETS})
    shown: list[str] = field(default_factory=list)
    """What callers have shown: tokens, good and bad."""
    seen: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {name: FORMS[SECRETS[name]](text) for name, text in self.settings.items()}

    def see(self, what: str, text: object) -> None:
        self.seen.append((what, str(text)))

    def look_at(self, response: httpx.Response) -> None:
        response.read()
        what = f"{response.request.method} {response.request.url.path}"
        self.see(what, f"{response.status_code} {response.headers} {response.text}")

    def client(self, server: Server, **headers: str) -> httpx.Client:
        return server.client(headers=headers, event_hooks={"response": [self.look_at]})

    def escaped(self) -> list[str]:
        """Where something is found that must not be there."""
        parts = [*self.settings.values(), *self.shown]
        return [what for what, text in self.seen if any(part in text for part in parts)]


@dataclass
class Servers:
    """What a service stands on; each of them knows its canary."""

    aviary: Aviary
    postgres: Postgres
    address: PostgresAddress
    redis: RedisProcess
    rabbit: RabbitProcess
    s3: S3Process
    receiver: Receiver
    collector: Collector

    @property
    def environment(self) -> dict[str, str]:
        queue = self.aviary.environment["QUEUE_URI"].format(rabbit=self.rabbit.port)
        return {
            **settings(self.address),
            **self.aviary.environment,
            **self.collector.settings,
            "QUEUE": "rabbitmq",
            "QUEUE_URI": queue,
            "CACHE": "redis",
            "REDIS_ADDRESS": self.redis.address,
            "BLOBS_URL": "s3://pictures",
            "BLOBS_ENDPOINT": self.s3.url,
            "BLOBS_REGION": REGION,
            "BLOBS_ACCESS_KEY": "AKIA0123456789",
            "CALLBACK_HOSTS": f"127.0.0.1:{self.receiver.port},127.0.0.1:{free_port()}",
            "AUTH_MODE": "token",
            "SERVER_HOST": "127.0.0.1",
            "TASK_CONCURRENCY": "2",
            "LOG_LEVEL": "debug",
            "DB_STATEMENT_TIMEOUT": "500ms",
        }


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    aviary, folder = Aviary(), tmp_path_factory.mktemp("servers")
    known = aviary.settings

    class Guarded(Postgres):
        password = known["DB_PASSWORD"]

    with ExitStack() as stack:
        postgres = Guarded()
        stack.callback(postgres.close)
        redis = RedisProcess(folder / "redis", "--requirepass", known["REDIS_PASSWORD"])
        rabbit = RabbitProcess(folder / "rabbit", f"default_pass = {known['QUEUE_URI']}")
        stack.callback(rabbit.close)
        rabbit.start(wait=False)
        postgres.start()
        address = stack.enter_context(database(postgres.address, dropped=False))
        stack.enter_context(redis)
        s3 = stack.enter_context(S3Process(folder))
        s3.make("pictures")
        receiver = stack.enter_context(Receiver())
        collector = stack.enter_context(Collector())
        rabbit.wait_until_it_answers()
        yield Servers(aviary, postgres, address, redis, rabbit, s3, receiver, collector)


def asked_for_everything(client: httpx.Client, receiver: Receiver) -> None:
    """Every part is used; what an answer is, is of no interest here."""
    made = client.post(PROFILES, json=person())
    path = f"{PROFILES}/{made.json().get('id', '01a219aa-040b-7a94-b2ec-62d3a693a962')}"
    client.get(path)
    client.get(path)
    client.get(PROFILES, params={"nothing": 1})
    client.post(f"{path}/images", files={"image": encoded(photograph(40, 30))})
    client.get(f"{path}/events")
    client.get(f"{path}/export")
    client.get(f"{path}/avatar")
    client.patch(path, content=b"{", headers={"Content-Type": "application/merge-patch+json"})
    url = f"http://127.0.0.1:{receiver.port}/500"
    body = {"type": "http.callback", "payload": {"url": url}, "max_attempts": 2}
    client.post(f"{TASKS}/delayed", json=body)
    client.get(TASKS)
    for page in ("/health", "/health/ready", "/metrics", "/openapi.json", "/docs", "/nothing"):
        client.get(page)


def shown_badly(server: Server, aviary: Aviary, good: str) -> None:
    """Credentials that are wrong in every way, good ones in wrong places among them."""
    wrong = canary()
    aviary.shown += [wrong, good.split("_", 2)[2]]  # a secret may have a _ of its own
    ways: list[Any] = [
        {"Authorization": f"Bearer {good[: -len(wrong)]}{wrong}"},
        {"Authorization": f"Bearer pct_{'0' * 32}_{wrong[:43]}"},
        {"Authorization": f"Bearer eyJhbGciOiJub25lIn0.{wrong}.{wrong}"},
        {"Authorization": f"Basic {base64.b64encode(f'u:{wrong}'.encode()).decode()}"},
        {"Authorization": f"Bearer {wrong * 200}"},
        {"Authorization": f"Bearer {wrong * 1_000}"},
        {"Authorization": f"Token {good}"},
        [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {wrong}")],
        {"X-Api-Key": good, "Cookie": f"token={good}"},
    ]
    for headers in ways:
        with aviary.client(server) as client:
            client.get(PROFILES, headers=headers)
            client.get(PROFILES, headers=headers, params={"access_token": good, "token": wrong})


def held(servers: Servers) -> Iterator[tuple[str, object]]:
    """What is stored: rows, and what Redis has."""
    tables = execute(servers.address, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        yield f"table {table}", execute(servers.address, f"TABLE {table}")
    with servers.redis.client(password=servers.aviary.settings["REDIS_PASSWORD"]) as redis:
        for key in redis.scan_iter():
            kind = redis.type(key)
            whole = redis.hgetall(key) if kind == b"hash" else redis.dump(key)
            yield f"Redis {key!r}", (key, whole)


def processes(server: Server) -> list[list[str]]:
    """The arguments that anybody on the machine can see."""
    parent = psutil.Process(server.process.pid)
    return [process.cmdline() for process in (parent, *parent.children(recursive=True))]


def test_every_secret_has_a_canary() -> None:
    assert SECRETS.keys() >= {"DB_PASSWORD", "REDIS_PASSWORD", "QUEUE_URI", "CALLBACK_SECRET"}
    read = Settings.read(
        "tool", {n: t.format(rabbit=5672) for n, t in Aviary().environment.items()}
    )
    for name in SECRETS:
        assert "canary" in getattr(read, name.lower()).reveal()
    assert "canary" not in f"{read!r}{read}{read.rows}{dataclasses.asdict(read)}"


def test_a_wrong_password_is_not_told(tmp_path: Path, servers: Servers) -> None:
    """The service goes on without Redis and RabbitMQ, and does not start without PostgreSQL."""
    aviary = servers.aviary
    wrong = {name: canary() for name in ("DB_PASSWORD", "REDIS_PASSWORD", "QUEUE_URI")}
    aviary.shown += wrong.values()
    given = servers.environment | {
        "REDIS_PASSWORD": wrong["REDIS_PASSWORD"],
        "QUEUE_URI": f"amqp://guest:{wrong['QUEUE_URI']}@127.0.0.1:{servers.rabbit.port}/",
    }
    good = token(tmp_path, ALL, **given)
    with (
        Server(tmp_path, command="serve", **given) as server,
        aviary.client(server, Authorization=f"Bearer {good}") as client,
    ):
        asked_for_everything(client, servers.receiver)
        assert client.get("/health").json()["status"] == "degraded"
        aviary.see("log", server.errors)
    locked_out = given | {"DB_PASSWORD": wrong["DB_PASSWORD"]}
    for arguments, code in ((["serve"], 3), (["migrate", "status"], 3), (["tokens", "list"], 3)):
        done = run(tmp_path, *arguments, **locked_out)
        aviary.see(" ".join(arguments), done.stdout + done.stderr)
        assert done.returncode == code, done
    assert "DB_PASSWORD" in aviary.seen[-1][1] or "password" in aviary.seen[-1][1]
    assert not aviary.escaped()


def test_no_command_tells(tmp_path: Path, servers: Servers) -> None:
    aviary = servers.aviary
    for line in ("config --for serve", "migrate status", "tokens list", "doctor --cache"):
        done = run(tmp_path, *line.split(), **servers.environment)
        aviary.see(line, done.stdout + done.stderr)
        assert done.returncode == 0, done
    assert not aviary.escaped()


def test_no_secret_comes_out_of_what_goes_wrong(tmp_path: Path, servers: Servers) -> None:
    aviary = servers.aviary
    good = token(tmp_path, ALL, **servers.environment)
    told = "\n".join(servers.environment[name] for name in SECRETS)
    careless = {"SHOWN": good, "TOLD": told}
    bearer = {"Authorization": f"Bearer {good}"}
    folder = tmp_path / "served"
    folder.mkdir()
    with (
        Server(
            folder, program=CARELESS, command="serve", **servers.environment, **careless
        ) as server,
        aviary.client(server, **bearer) as client,
    ):
        asked_for_everything(client, servers.receiver)
        url = f"http://127.0.0.1:{servers.receiver.port}/204"
        done = submitted(client, "http.callback", payload={"url": url})
        reached(client, done, "succeeded")
        shown_badly(server, aviary, good)
        aviary.see("processes", processes(server))
        for what, found in held(servers):
            aviary.see(what, found)
        for lost in (servers.redis.kill, servers.rabbit.kill, servers.s3.kill):
            lost()
        asked_for_everything(client, servers.receiver)
        servers.postgres.kill()
        asked_for_everything(client, servers.receiver)
        server.signal(signal.SIGTERM)
        server.wait()
        log = server.errors
    aviary.see("log", log)
    aviary.see("output", server.output)
    spans = servers.collector.spans
    aviary.see("traces", spans)
    assert {span.name.split()[0] for span in spans} >= {"GET", "get", "write", "send", "process"}
    assert any(span.failed for span in spans)
    statuses = {text[:3] for _, text in aviary.seen}
    assert statuses >= {"200", "201", "202", "400", "401", "404", "500", "503"}
    assert not aviary.escaped()
    assert len(servers.receiver.calls) >= 2
    assert '"level":"debug"' in log
    assert f"RuntimeError: ('cannot go on: {' '.join(['***'] * len(SECRETS))}'" in log
