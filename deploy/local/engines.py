"""PostgreSQL with a replica, Redis, RabbitMQ and Prometheus, configured as containers are."""

import os
import secrets
import signal
from functools import partial
from pathlib import Path

from deploy.local.process import (
    NotStarted,
    Process,
    adapted,
    connects,
    free_port,
    is_good,
    own,
    program,
    run,
)

DEPLOY = Path(__file__).parents[1]
POSTGRES = "/usr/lib/postgresql/15/bin"
RABBITMQ = "/usr/lib/rabbitmq/bin"


def postgres(folder: Path, port: int, secrets_folder: Path, *, of: int | None = None) -> Process:
    """The primary, or a replica of the one on port `of`; it is made where it is not there yet."""
    name = "postgres-primary" if of is None else "postgres-secondary"
    place = folder / name
    data = place / "data"
    place.mkdir(parents=True, exist_ok=True)
    own(place, "postgres")
    place.chmod(0o700)
    if of is None and not (data / "PG_VERSION").exists():
        _make_database(place, data, secrets_folder)
    options = [
        *("-c", f"config_file={DEPLOY}/postgres/postgresql.conf"),
        *("-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=64MB"),
        *("-c", f"unix_socket_directories={place}"),
    ]
    replica = ("/bin/sh", f"{DEPLOY}/postgres/replica.sh")
    return Process(
        name=name,
        command=[program("postgres", POSTGRES), *options] if of is None else [*replica, *options],
        folder=place,
        user="postgres",
        env={
            "PATH": f"{POSTGRES}:{os.environ['PATH']}",
            "PGDATA": str(data),
            "PRIMARY_HOST": "127.0.0.1",
            "PRIMARY_PORT": str(of),
            "SECRETS": str(secrets_folder),
        },
        answers=partial(_postgres_answers, port, place),
        ends_by=signal.SIGINT,  # those who are connected are not waited for
    )


def _make_database(place: Path, data: Path, secrets_folder: Path) -> None:
    tool = partial(run, user="postgres", cwd=place)
    tool(
        *(f"{POSTGRES}/initdb", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"),
        *("--auth-host=scram-sha-256", "--auth-local=trust", "--data-checksums"),
        *(f"--pwfile={secrets_folder}/db_superuser", f"--pgdata={data}"),
    )
    control = (f"{POSTGRES}/pg_ctl", "--wait", f"--pgdata={data}", f"--log={place}/made.txt")
    tool(*control, "start", f"--options=-c listen_addresses='' -k {place}")
    try:
        tool(
            *("/bin/sh", f"{DEPLOY}/postgres/init.sh"),
            PATH=f"{POSTGRES}:{os.environ['PATH']}",
            PGDATA=str(data),
            PGHOST=str(place),
            SECRETS=str(secrets_folder),
        )
    finally:
        tool(*control, "stop")


def _postgres_answers(port: int, place: Path) -> bool:
    try:
        run(f"{POSTGRES}/pg_isready", "--quiet", f"--port={port}", f"--host={place}", cwd=place)
    except NotStarted:
        return False
    return True


def redis(folder: Path, port: int, secrets_folder: Path) -> Process:
    """Redis, as deploy/redis.conf has it."""
    place = folder / "redis"
    place.mkdir(parents=True, exist_ok=True)
    own(place, "redis")
    text = adapted(
        DEPLOY / "redis.conf",
        ("port 6379", f"port {port}\nbind 127.0.0.1"),
        ("dir /data", f"dir {place}"),
        ("aclfile /run/secrets/", f"aclfile {secrets_folder}/"),
    )
    (place / "redis.conf").write_text(text)
    return Process(
        name="redis",
        command=[program("redis-server"), str(place / "redis.conf")],
        folder=place,
        user="redis",
        answers=partial(connects, port),
    )


def rabbitmq(folder: Path, port: int, secrets_folder: Path) -> list[Process]:
    """RabbitMQ, as deploy/rabbitmq.conf has it, and the port mapper that it needs."""
    place = folder / "rabbitmq"
    place.mkdir(parents=True, exist_ok=True)
    own(place, "rabbitmq")
    configured = place / "rabbitmq.conf"
    shipped = (DEPLOY / "rabbitmq.conf").read_text()
    user = (secrets_folder / "rabbitmq_user.conf").read_text()
    configured.write_text(f"{shipped}{user}listeners.tcp.1 = 127.0.0.1:{port}\n")
    configured.chmod(0o600)
    own(configured, "rabbitmq")
    plugins = place / "plugins"
    plugins.write_text("[].\n")
    cookie = place / ".erlang.cookie"
    if not cookie.exists():
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(10).upper())
        own(cookie, "rabbitmq")
    mapper, distribution = free_port(), free_port()
    names = {
        "RABBITMQ_NODENAME": "profilecore@localhost",
        "RABBITMQ_CONFIG_FILE": configured,
        "RABBITMQ_ADVANCED_CONFIG_FILE": place / "none",
        "RABBITMQ_CONF_ENV_FILE": place / "none",
        "RABBITMQ_ENABLED_PLUGINS_FILE": plugins,
        "RABBITMQ_MNESIA_BASE": place / "data",
        "RABBITMQ_LOG_BASE": place,
        "RABBITMQ_PID_FILE": place / "pid",
        "RABBITMQ_GENERATED_CONFIG_DIR": place / "generated",
        "RABBITMQ_DIST_PORT": distribution,
        "ERL_EPMD_PORT": mapper,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "HOME": place,
    }
    env = {"LANG": "C.UTF-8", **{name: str(value) for name, value in names.items()}}
    return [
        Process(
            name="epmd",
            command=[program("epmd"), "-port", str(mapper), "-address", "127.0.0.1"],
            folder=folder / "epmd",
            user="rabbitmq",
            answers=partial(connects, mapper),
        ),
        Process(
            name="rabbitmq",
            command=[program("rabbitmq-server", RABBITMQ)],
            folder=place,
            user="rabbitmq",
            env=env,
            answers=partial(connects, port),
        ),
    ]


def prometheus(folder: Path, port: int, targets: dict[str, int]) -> Process:
    """Prometheus with deploy/prometheus, which asks for the metrics of `targets`."""
    place = folder / "prometheus"
    place.mkdir(parents=True, exist_ok=True)
    own(place, "prometheus")
    text = adapted(
        DEPLOY / "prometheus" / "prometheus.yml",
        *((f"{name}:8081", f"127.0.0.1:{at}") for name, at in targets.items()),
        ("localhost:9090", f"127.0.0.1:{port}"),
        ("rules/*.yml", f"{DEPLOY}/prometheus/rules/*.yml"),
    )
    (place / "prometheus.yml").write_text(text)
    return Process(
        name="prometheus",
        command=[
            *(program("prometheus"), f"--config.file={place}/prometheus.yml"),
            f"--storage.tsdb.path={place}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        folder=place,
        user="prometheus",
        answers=partial(is_good, f"http://127.0.0.1:{port}/-/ready"),
    )
