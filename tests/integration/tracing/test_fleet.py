"""One trace through all that a fleet is made of."""

from contextlib import ExitStack
from pathlib import Path

from tests.support.collector import Collector
from tests.support.http import PROFILES, created
from tests.support.postgres import Postgres, database, settings
from tests.support.processes import Server
from tests.support.rabbitmq import RabbitProcess
from tests.support.receiver import Receiver
from tests.support.redis import RedisProcess
from tests.support.tasks import reached, submitted

SECRET = f"whsec_{'a' * 32}"


def test_a_trace_goes_from_the_request_to_the_worker_and_beyond(
    tmp_path: Path,
    collector: Collector,
    postgres: Postgres,
    redis: RedisProcess,
    rabbit: RabbitProcess,
) -> None:
    """By SQL, Redis and the headers of RabbitMQ to another process, and to whom that calls."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        given = {
            **settings(stack.enter_context(database(postgres.address))),
            **collector.settings,
            "CACHE": "redis",
            "REDIS_ADDRESS": redis.address,
            "QUEUE": "rabbitmq",
            "QUEUE_URI": f"amqp://guest:guest@127.0.0.1:{rabbit.port}/",
            "CALLBACK_HOSTS": f"127.0.0.1:{receiver.port}",
            "CALLBACK_SECRET": SECRET,
            "SERVER_HOST": "127.0.0.1",
            "AUTH_MODE": "none",
        }
        running = {}
        for command in ("serve", "worker"):
            (tmp_path / command).mkdir()
            server = Server(tmp_path / command, command=command, OTEL_SERVICE_NAME=command, **given)
            running[command] = stack.enter_context(server)
        client = stack.enter_context(running["serve"].client())
        path = f"{PROFILES}/{created(client)['id']}"
        client.get(path)
        read, get = collector.named("GET /api/v1/profiles/{profile_id}", "get cache")
        payload = {"url": f"http://127.0.0.1:{receiver.port}/204"}
        reached(client, submitted(client, "http.callback", payload=payload), "succeeded")
        request, add, send, process = collector.named(
            "POST /api/v1/tasks/delayed", "add tasks", "send default", "process http.callback"
        )
    assert (get.trace, get.parent) == (read.trace, read.id)
    assert get.attributes == {"db.system.name": "redis", "db.operation.name": "get"}
    assert add.attributes["db.system.name"] == "postgresql"
    assert {span.trace for span in (request, add, send, process)} == {request.trace}
    assert (add.parent, send.parent, process.parent) == (request.id, request.id, send.id)
    assert (request.service, process.service) == ("serve", "worker")
    assert send.attributes["messaging.system"] == "rabbitmq"
    (call,) = receiver.calls
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers["traceparent"] == f"00-{request.trace}-{process.id}-01"
