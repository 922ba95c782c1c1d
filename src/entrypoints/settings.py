"""The settings: one table of environment variables, read once, frozen from then on."""

# `variable` is `dataclasses.field` with a row of the table in its metadata.
# ruff: noqa: RUF009

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from profilecore.entrypoints.callers import PROXIES, RATE, Network
from profilecore.entrypoints.environment import (
    DEFAULT,
    Row,
    displayed,
    look_up,
    parsed,
    table,
    variable,
)
from profilecore.entrypoints.trust import ALGORITHMS, JWKS, must_authenticate
from profilecore.entrypoints.urls import BLOBS, WEB_URL, WEB_URLS
from profilecore.entrypoints.variables import (
    ADDRESS,
    CALLBACKS,
    FLAG,
    HEADERS,
    HOST,
    HOSTS,
    PATH,
    PORT,
    QUEUE,
    SECRET,
    SIGNING,
    SWITCH,
    WORD,
    WORDS,
    Secret,
    duration,
    one_of,
    spellings,
    whole,
)
from profilecore.limits import Rate
from profilecore.reach import Allowed

Command: TypeAlias = Literal["dev", "serve", "worker", "tool"]

COMMANDS: Final[tuple[Command, ...]] = ("dev", "serve", "worker", "tool")
_MOMENT: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process was told by its environment; `server_port` is `SERVER_PORT`, and so on.

    A secret is a `Secret`, or None where it was not given. `command` is what the settings are for:
    `dev` and `serve` run the service, `worker` runs tasks alone, `tool` is everything else.
    """

    command: Command
    server_host: str = variable(
        HOST,
        "127.0.0.1",
        "Address to listen on",
        serve="0.0.0.0",  # noqa: S104 - a pod's own
    )
    server_port: int = variable(PORT, "8080", "Server port; 0 takes any free one", worker="8081")
    server_workers: int = variable(whole(1, 256), "1", "Processes of `serve`, all on one port")
    database: str = variable(
        one_of("sqlite", "postgres", "memory"),
        "sqlite",
        "Where profiles and tasks are kept",
        serve=...,
        worker=...,
    )
    data_dir: Path = variable(PATH, "./data", "Folder of the SQLite database and of images")
    db_host: tuple[tuple[str, int | None], ...] = variable(
        HOSTS, "localhost", "PostgreSQL hosts, of which one is the primary"
    )
    db_replica_hosts: tuple[tuple[str, int | None], ...] = variable(
        HOSTS, None, "PostgreSQL hosts that take reads while they are in step"
    )
    db_port: int = variable(PORT, "5432", "PostgreSQL port where a host names none")
    db_user: str = variable(WORD, "postgres", "PostgreSQL username")
    db_password: Secret | None = variable(SECRET, None, "PostgreSQL password")
    db_name: str = variable(WORD, "profiles", "PostgreSQL database")
    db_pool_max: int = variable(whole(1, 1_000), "10", "Most connections to PostgreSQL")
    db_prepared: bool = variable(
        SWITCH, "on", "Prepared statements; off behind pgbouncer in transaction mode"
    )
    db_sslmode: str | None = variable(
        one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        None,
        "TLS to PostgreSQL; libpq's own choice if not set, which is prefer",
    )
    db_ca_file: Path | None = variable(
        PATH, None, "Certificates that PostgreSQL's has to be signed by, for verify-ca and -full"
    )
    db_statement_timeout: timedelta = variable(
        duration(_MOMENT), "1500ms", "Longest time PostgreSQL may take for a call", tool="30s"
    )
    db_connect_timeout: timedelta = variable(
        duration(), "10s", "Longest wait at the start for a PostgreSQL that is starting too"
    )
    cache: str = variable(
        one_of("redis", "memory", "noop"),
        "memory",
        "Cache of profiles; redis falls back to memory, noop keeps nothing",
    )
    cache_memory_max: int = variable(whole(1, 1_000_000), "10", "Most profiles in the memory cache")
    cache_ttl: timedelta = variable(
        duration(_MOMENT), "24h", "How long a cached profile may be used"
    )
    redis_address: str = variable(ADDRESS, "localhost:6379", "Redis server address")
    redis_username: str | None = variable(WORD, None, "Redis username")
    redis_password: Secret | None = variable(SECRET, None, "Redis password")
    redis_db: int = variable(whole(0, 65_535), "0", "Redis database number")
    redis_tls: bool = variable(SWITCH, "off", "Speak TLS to Redis")
    redis_ca_file: Path | None = variable(
        PATH, None, "Certificates that Redis' has to be signed by; the system's if not set"
    )
    queue: str = variable(
        one_of("memory", "rabbitmq"),
        "memory",
        "How due tasks reach workers; with memory each worker looks for them in the database",
    )
    queue_uri: Secret = variable(
        QUEUE, "amqp://guest:guest@localhost:5672/", "RabbitMQ connection URI"
    )
    queue_ca_file: Path | None = variable(
        PATH, None, "Certificates that RabbitMQ's has to be signed by; the system's if not set"
    )
    blobs_url: str | None = variable(
        BLOBS, None, "Where images are kept; the folder `blobs` in `DATA_DIR` if not set"
    )
    blobs_endpoint: str | None = variable(
        WEB_URL, None, "Server of the bucket; the provider's own if not set"
    )
    blobs_region: str | None = variable(WORD, None, "Region of the bucket")
    blobs_access_key: str | None = variable(
        WORD, None, "Access key of S3, or the account of Azure; the machine's own if not set"
    )
    blobs_secret_key: Secret | None = variable(
        SECRET, None, "Secret key of S3, the account's of Azure, or a service account's JSON of GCS"
    )
    blobs_path_style: bool = variable(
        SWITCH, "on", "Name the bucket of S3 in the path; off for in the host"
    )
    cdn_base_url: str | None = variable(
        WEB_URL, None, "What URLs of images begin with; this service's `/media` if not set"
    )
    cdn_purge: tuple[str, ...] | None = variable(
        WEB_URLS, None, "Caches that are told to PURGE an erased image; none if not set"
    )
    image_processes: int = variable(
        whole(1, 64), "2", "Processes that make the variants of images; each takes up to 768 MB"
    )
    task_concurrency: int = variable(
        whole(0, 1_000), "0", "Tasks that this process runs at once", dev="10", worker="10"
    )
    task_queues: tuple[str, ...] = variable(
        WORDS, "default", "Queues of RabbitMQ that this process takes tasks from"
    )
    task_lease: timedelta = variable(
        duration(timedelta(seconds=1)), "30s", "Time after which a lost worker's task is rescued"
    )
    callback_hosts: tuple[Allowed, ...] | None = variable(
        CALLBACKS, None, "Hosts that `http.callback` may call; none if not set"
    )
    callback_secret: Secret | None = variable(
        SIGNING, None, "What calls of `http.callback` are signed with"
    )
    auth_mode: str = variable(
        one_of("none", "token", "jwt"),
        "none",
        "How callers say who they are; none, for loopback addresses only, lets everybody do all",
        serve=...,
    )
    rate_limit_reads: Rate | None = variable(
        RATE, None, "Reads that one caller may make; no limit if not set"
    )
    rate_limit_writes: Rate | None = variable(
        RATE, None, "Writes that one caller may make; no limit if not set"
    )
    rate_limit_uploads: Rate | None = variable(
        RATE, None, "Uploads that one caller may make; no limit if not set"
    )
    rate_limit_failures: Rate | None = variable(
        RATE, None, "Credentials that are not good, from one address; no limit if not set"
    )
    rate_limit_processes: int = variable(
        whole(1, 10_000),
        "4",
        "Most processes there may be, to share a limit by while Redis is lost",
    )
    trusted_proxies: tuple[Network, ...] | None = variable(
        PROXIES, None, "Proxies whose X-Forwarded-For says who calls; none if not set"
    )
    requests_max: int = variable(
        whole(1, 100_000), "512", "Requests that are worked on at a time; more are a 503 at once"
    )
    ops_port: int | None = variable(
        whole(1, 65_535, "a port"),
        None,
        "A port for metrics and documentation, which ask for no token there; if not set they are "
        "on SERVER_PORT, for scope ops",
    )
    auth_jwt_issuer: str | None = variable(
        WORD, None, "Who signs tokens for `AUTH_MODE=jwt`: their `iss`"
    )
    auth_jwt_audience: str | None = variable(
        WORD, None, "What this service is called in tokens: their `aud`"
    )
    auth_jwt_jwks: str | Path | None = variable(
        JWKS, None, "Where the issuer's public keys are, a JWK Set"
    )
    auth_jwt_algorithms: tuple[str, ...] = variable(
        ALGORITHMS, "RS256,ES256,EdDSA", "How tokens may be signed"
    )
    require_if_match: bool = variable(FLAG, "false", "Refuse writes that name no version")
    tombstones_kept: timedelta = variable(
        duration(), "30d", "How long a deleted profile can be restored"
    )
    tasks_kept: timedelta = variable(duration(), "7d", "How long `gc` leaves a task that has ended")
    log_kept: timedelta = variable(
        duration(), "30d", "How long `gc` leaves a change, or the end of a task, in the feed"
    )
    head_timeout: timedelta = variable(
        duration(_MOMENT), "10s", "Longest time the headers of a request may take to arrive"
    )
    idempotency_kept: timedelta = variable(
        duration(), "24h", "How long a request with an Idempotency-Key can be repeated"
    )
    body_timeout: timedelta = variable(
        duration(_MOMENT),
        "30s",
        "Longest time a request body may take to arrive, and an answer may wait to be read",
    )
    shutdown_delay: timedelta = variable(
        duration(), "0s", "Time to be not ready before the listener closes"
    )
    shutdown_timeout: timedelta = variable(
        duration(_MOMENT),
        "3s",
        "Longest wait for requests and tasks under way",
        serve="10s",
        worker="25s",
    )
    log_format: str = variable(
        one_of("auto", "json", "text"), "auto", "Form of log lines; auto is text on a terminal"
    )
    log_level: str = variable(
        one_of("debug", "info", "warning", "error", "critical"),
        "info",
        "Least severe log lines to write",
        tool="warning",
    )
    access_log: int = variable(
        whole(0, 100), "100", "Percent of the requests without an error that are logged"
    )
    otel_traces_exporter: str = variable(
        one_of("none", "otlp"), "none", "Where traces go; otlp is a collector, by HTTP"
    )
    otel_exporter_otlp_headers: Secret | None = variable(
        HEADERS, None, "What the collector is sent beside traces, such as a token"
    )
    rows: tuple[Row, ...] = dataclasses.field(repr=False, compare=False)

    @classmethod
    def read(cls, command: Command, env: Mapping[str, str]) -> Self:
        """Read every variable from `env`; BadSetting for the first that cannot be taken.

        An empty variable counts as not set. A secret may stand in a file that `…_FILE` names.
        """
        values: dict[str, Any] = {}
        rows = []
        for field, row in table(cls).items():
            name = field.upper()
            text, origin = look_up(name, row, command, env)
            values[field] = None if text is None else parsed(name, row.kind, text)
            rows.append(Row(name, displayed(row.kind, text), origin, row.help))
        settings = cls(command=command, rows=tuple(rows), **values)
        if command in ("dev", "serve"):
            must_authenticate(settings.server_host, settings.auth_mode)
        return settings

    def secrets(self) -> frozenset[str]:
        """The texts that must never be written anywhere; not those of public defaults."""
        values = (getattr(self, row.name.lower()) for row in self.rows if row.origin != DEFAULT)
        return frozenset(
            text for value in values if isinstance(value, Secret) for text in spellings(value)
        )
