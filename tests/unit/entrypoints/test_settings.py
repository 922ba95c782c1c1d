"""Settings: every variable, good and bad."""

# ruff: noqa: S104 - addresses that are to be refused

import dataclasses
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from profilecore.entrypoints.settings import COMMANDS, Command, Settings
from profilecore.entrypoints.variables import BadSetting, Secret
from profilecore.limits import Rate
from profilecore.reach import Allowed

NAMED = {"DATABASE": "sqlite", "AUTH_MODE": "none", "SERVER_HOST": "127.0.0.1"}

# What the service that this one replaces had; its clients' manifests say nothing else.
SEED_DEFAULTS = {
    "server_port": 8080,
    "db_host": (("localhost", None),),
    "db_port": 5432,
    "db_user": "postgres",
    "db_password": None,
    "db_name": "profiles",
    "redis_address": "localhost:6379",
    "redis_password": None,
    "redis_db": 0,
    "queue_uri": Secret("amqp://guest:guest@localhost:5672/"),
}

GOOD = [
    ("SERVER_HOST", "::1", "::1"),
    ("SERVER_HOST", "127.0.0.9", "127.0.0.9"),
    ("SERVER_HOST", "localhost", "localhost"),
    ("SERVER_PORT", "0", 0),
    ("SERVER_PORT", "65535", 65_535),
    ("SERVER_WORKERS", "4", 4),
    ("DATABASE", "MEMORY", "memory"),
    ("DATABASE", "postgres", "postgres"),
    ("DATA_DIR", "/var/lib/profiles", Path("/var/lib/profiles")),
    ("DB_HOST", "db.internal", (("db.internal", None),)),
    (
        "DB_HOST",
        "a,b:6432, [::1]:5433,::1",
        (("a", None), ("b", 6432), ("::1", 5433), ("::1", None)),
    ),
    ("DB_REPLICA_HOSTS", "c:5432,d:5432", (("c", 5432), ("d", 5432))),
    ("DB_SSLMODE", "verify-full", "verify-full"),
    ("DB_CA_FILE", "/etc/ca.pem", Path("/etc/ca.pem")),
    ("DB_PORT", "6432", 6432),
    ("DB_USER", "Ада", "Ада"),
    ("DB_PASSWORD", " p w ", Secret(" p w ")),
    ("DB_NAME", "people", "people"),
    ("DB_POOL_MAX", "50", 50),
    ("DB_PREPARED", "OFF", False),
    ("DB_STATEMENT_TIMEOUT", "2s", timedelta(seconds=2)),
    ("DB_CONNECT_TIMEOUT", "0s", timedelta(0)),
    ("CACHE", "noop", "noop"),
    ("CACHE", "Redis", "redis"),
    ("CACHE_MEMORY_MAX", "1", 1),
    ("CACHE_TTL", "1h30m", timedelta(minutes=90)),
    ("CACHE_TTL", "90s", timedelta(seconds=90)),
    ("CACHE_TTL", "1.5s", timedelta(milliseconds=1500)),
    ("CACHE_TTL", "1d2h3m4s5ms", timedelta(1, 4, 5000, hours=2, minutes=3)),
    ("REDIS_ADDRESS", "[::1]:6380", "[::1]:6380"),
    ("REDIS_ADDRESS", "cache:6379", "cache:6379"),
    ("REDIS_USERNAME", "profiles", "profiles"),
    ("REDIS_PASSWORD", "x", Secret("x")),
    ("REDIS_DB", "15", 15),
    ("REDIS_TLS", "On", True),
    ("REDIS_CA_FILE", "/etc/ca.pem", Path("/etc/ca.pem")),
    ("QUEUE_URI", "amqps://u:p%2Fw@mq:5671/v", Secret("amqps://u:p%2Fw@mq:5671/v")),
    (
        "CALLBACK_HOSTS",
        "hooks.example.com, *.Example.org:8443,internal=hooks.local:80,127.0.0.1:9000,[::1]",
        (
            Allowed("hooks.example.com", None, internal=False),
            Allowed("*.example.org", 8443, internal=False),
            Allowed("hooks.local", 80, internal=True),
            Allowed("127.0.0.1", 9000, internal=False),
            Allowed("::1", None, internal=False),
        ),
    ),
    ("CALLBACK_SECRET", f"whsec_{'a+/b' * 8}", Secret(f"whsec_{'a+/b' * 8}")),
    ("QUEUE_URI", "amqp://u:p@a:1,[::1]:2,b", Secret("amqp://u:p@a:1,[::1]:2,b")),
    ("QUEUE", "RabbitMQ", "rabbitmq"),
    ("QUEUE_CA_FILE", "/etc/ca.pem", Path("/etc/ca.pem")),
    ("BLOBS_URL", "file:images", "file:images"),
    ("BLOBS_URL", "file:///var/lib/the images/", "file:///var/lib/the images"),
    ("BLOBS_URL", "file:/srv", "file:/srv"),
    ("BLOBS_URL", "file:~/images", "file:~/images"),
    ("BLOBS_URL", "s3://pictures/of/people/", "s3://pictures/of/people"),
    ("BLOBS_URL", "gs://pictures.example.com", "gs://pictures.example.com"),
    ("BLOBS_URL", "az://container/a_b-c.d", "az://container/a_b-c.d"),
    ("BLOBS_URL", "memory:", "memory:"),
    ("BLOBS_ENDPOINT", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ("BLOBS_ENDPOINT", "https://s3.internal/", "https://s3.internal"),
    ("BLOBS_REGION", "eu-central-1", "eu-central-1"),
    ("BLOBS_ACCESS_KEY", "AKIA", "AKIA"),
    ("BLOBS_SECRET_KEY", "a/b+c", Secret("a/b+c")),
    ("BLOBS_PATH_STYLE", "off", False),
    ("CDN_BASE_URL", "https://cdn.example.com/people/", "https://cdn.example.com/people"),
    ("CDN_BASE_URL", "http://[::1]:6081", "http://[::1]:6081"),
    ("CDN_PURGE", "http://varnish:6081", ("http://varnish:6081",)),
    ("CDN_PURGE", "http://a:6081, https://b/x/", ("http://a:6081", "https://b/x")),
    ("IMAGE_PROCESSES", "64", 64),
    ("TASK_CONCURRENCY", "1000", 1_000),
    ("TASK_QUEUES", "default, mail-2", ("default", "mail-2")),
    ("TASK_LEASE", "2s", timedelta(seconds=2)),
    ("TASKS_KEPT", "0s", timedelta(0)),
    ("LOG_KEPT", "90d", timedelta(days=90)),
    ("AUTH_MODE", "none", "none"),
    ("AUTH_MODE", "TOKEN", "token"),
    ("AUTH_MODE", "jwt", "jwt"),
    ("OPS_PORT", "9090", 9090),
    ("AUTH_JWT_ISSUER", "https://id.example.com/realms/a/", "https://id.example.com/realms/a/"),
    ("AUTH_JWT_AUDIENCE", "api://profiles", "api://profiles"),
    ("AUTH_JWT_JWKS", "/etc/jwks.json", Path("/etc/jwks.json")),
    ("AUTH_JWT_JWKS", "https://id.test:8443/keys?p=a", "https://id.test:8443/keys?p=a"),
    ("AUTH_JWT_JWKS", "http://127.0.0.1:9000/keys", "http://127.0.0.1:9000/keys"),
    ("AUTH_JWT_JWKS", "http://[::1]/keys", "http://[::1]/keys"),
    ("AUTH_JWT_JWKS", "http://localhost/keys", "http://localhost/keys"),
    ("AUTH_JWT_ALGORITHMS", "RS256", ("RS256",)),
    ("AUTH_JWT_ALGORITHMS", "ES384, PS512,Ed25519", ("ES384", "PS512", "Ed25519")),
    ("RATE_LIMIT_READS", "600/m", Rate(600, 60, 600)),
    ("RATE_LIMIT_WRITES", "50/s,burst=100", Rate(50, 1, 100)),
    ("RATE_LIMIT_UPLOADS", "30/h", Rate(30, 3_600, 30)),
    ("RATE_LIMIT_FAILURES", "1/d", Rate(1, 86_400, 1)),
    ("RATE_LIMIT_PROCESSES", "16", 16),
    ("REQUESTS_MAX", "1", 1),
    (
        "TRUSTED_PROXIES",
        "loopback, 10.0.0.0/8,192.0.2.7,fd00::/8",
        tuple(
            ip_network(text)
            for text in ("127.0.0.0/8", "::1", "10.0.0.0/8", "192.0.2.7", "fd00::/8")
        ),
    ),
    ("REQUIRE_IF_MATCH", "True", True),
    ("IDEMPOTENCY_KEPT", "48h", timedelta(days=2)),
    ("TOMBSTONES_KEPT", "0s", timedelta(0)),
    ("TOMBSTONES_KEPT", "36500d", timedelta(days=36_500)),
    ("TASKS_KEPT", "12h", timedelta(hours=12)),
    ("LOG_KEPT", "90d", timedelta(days=90)),
    ("HEAD_TIMEOUT", "2s", timedelta(seconds=2)),
    ("BODY_TIMEOUT", "5m", timedelta(minutes=5)),
    ("SHUTDOWN_DELAY", "500ms", timedelta(milliseconds=500)),
    ("SHUTDOWN_TIMEOUT", "1s", timedelta(seconds=1)),
    ("LOG_FORMAT", "json", "json"),
    ("LOG_LEVEL", "Warning", "warning"),
    ("ACCESS_LOG", "10", 10),
    ("OTEL_TRACES_EXPORTER", "OTLP", "otlp"),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Authorization=Bearer%20abc, X-Team=a=b",
        Secret("Authorization=Bearer%20abc, X-Team=a=b"),
    ),
]

BAD = [
    ("SERVER_HOST", "[::1]"),
    ("SERVER_HOST", "a b"),
    ("SERVER_HOST", "host:80"),
    ("SERVER_PORT", "65536"),
    ("SERVER_WORKERS", "0"),
    ("SERVER_PORT", "-1"),
    ("SERVER_PORT", " 80"),
    ("SERVER_PORT", "8_0"),
    ("SERVER_PORT", "٨٠"),
    ("SERVER_PORT", "1" * 5000),
    ("RATE_LIMIT_FAILURES", "1"),
    ("RATE_LIMIT_READS", "600"),
    ("RATE_LIMIT_WRITES", "0/s"),
    ("RATE_LIMIT_UPLOADS", "10/w"),
    ("RATE_LIMIT_PROCESSES", "0"),
    ("REQUESTS_MAX", "0"),
    ("TRUSTED_PROXIES", "0.0.0.0/0"),
    ("TRUSTED_PROXIES", "::/0"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "proxy.internal"),
    ("TRUSTED_PROXIES", "*"),
    ("TRUSTED_PROXIES", "loopback,"),
    ("DATABASE", "mysql"),
    ("DATA_DIR", "a\0b"),
    ("DATA_DIR", "~nobody-is-called-so/data"),
    ("DB_HOST", "http://db"),
    ("DB_PORT", "5432.0"),
    ("DB_USER", "a\nb"),
    ("DB_NAME", " profiles"),
    ("DB_POOL_MAX", "0"),
    ("DB_PREPARED", "true"),
    ("DB_STATEMENT_TIMEOUT", "0s"),
    ("DB_CONNECT_TIMEOUT", "soon"),
    ("CACHE", "memcached"),
    ("CACHE_MEMORY_MAX", "0"),
    ("CACHE_TTL", "0s"),
    ("CACHE_TTL", "24"),
    ("CACHE_TTL", "30m1h"),
    ("CACHE_TTL", "h"),
    ("CACHE_TTL", "-1s"),
    ("CACHE_TTL", "999999999d"),
    ("DB_HOST", "a,,b"),
    ("DB_HOST", "a,"),
    ("DB_HOST", "a b"),
    ("DB_HOST", "a:0"),
    ("DB_HOST", "a:b"),
    ("DB_REPLICA_HOSTS", "a:65536"),
    ("DB_SSLMODE", "yes"),
    ("BLOBS_URL", "/var/lib/images"),
    ("BLOBS_URL", "file:"),
    ("BLOBS_URL", "file:///"),
    ("BLOBS_URL", "file://host/images"),
    ("BLOBS_URL", "file:a\0b"),
    ("BLOBS_URL", "s3://"),
    ("BLOBS_URL", "s3://key:secret@bucket"),
    ("BLOBS_URL", "s3://bucket/../other"),
    ("BLOBS_URL", "s3://bucket//x"),
    ("BLOBS_URL", "s3://bucket?region=x"),
    ("BLOBS_URL", "ftp://host/images"),
    ("BLOBS_URL", "memory"),
    ("BLOBS_URL", "memory:x"),
    ("BLOBS_ENDPOINT", "127.0.0.1:9000"),
    ("BLOBS_ENDPOINT", "http://user:secret@host"),
    ("BLOBS_ENDPOINT", "http://host:99999"),
    ("BLOBS_REGION", "a\nb"),
    ("BLOBS_ACCESS_KEY", " a"),
    ("BLOBS_PATH_STYLE", "true"),
    ("CDN_BASE_URL", "//cdn.example.com"),
    ("CDN_BASE_URL", "https://cdn.example.com/?x"),
    ("CDN_BASE_URL", "https://cdn.example.com/#x"),
    ("CDN_BASE_URL", "https://cdn.example.com/a b"),
    ("CDN_BASE_URL", "javascript:alert(1)"),
    ("CDN_BASE_URL", "https:///x"),
    ("CDN_PURGE", "http://a,"),
    ("CDN_PURGE", "varnish:6081"),
    ("CDN_PURGE", "http://a:0"),
    ("DB_CA_FILE", "a\0b"),
    ("REDIS_ADDRESS", "localhost"),
    ("REDIS_ADDRESS", "localhost:0"),
    ("REDIS_ADDRESS", ":6379"),
    ("REDIS_USERNAME", "a\nb"),
    ("REDIS_DB", "x"),
    ("REDIS_TLS", "true"),
    ("REDIS_CA_FILE", "a\0b"),
    ("QUEUE_URI", "redis://mq"),
    ("QUEUE_URI", "amqp://u:p@mq,/"),
    ("QUEUE_URI", "amqp://u:p@mq,other:0/"),
    ("QUEUE_URI", "amqp://mq/?heartbeat=5"),
    ("QUEUE_URI", "amqp://"),
    ("QUEUE_URI", "amqp://u:p@mq:port/"),
    ("QUEUE_URI", "amqp://u:12/34@mq/"),
    *(
        ("CALLBACK_HOSTS", text)
        for text in (
            *("a.example,", "https://a.example", "*", "*.", "a.*.example", "internal=*.example"),
            *("a.example:0", "a.example:65536", "a.example:", "bücher.example", "a b"),
            *("127.1", "2130706433", "0x7f000001", "a.0x1", "[a]:80"),
        )
    ),
    ("CALLBACK_SECRET", "a+/b" * 8),
    ("CALLBACK_SECRET", f"whsec_{'a' * 28}"),
    ("CALLBACK_SECRET", f"whsec_{'a' * 88}"),
    ("CALLBACK_SECRET", f"whsec_{'a' * 31}"),
    ("CALLBACK_SECRET", f"whsec_{'a-_b' * 8}"),
    ("QUEUE", "redis"),
    ("QUEUE_CA_FILE", "a\0b"),
    ("IMAGE_PROCESSES", "0"),
    ("TASK_CONCURRENCY", "1001"),
    ("TASK_CONCURRENCY", "-1"),
    ("TASK_QUEUES", "default,"),
    ("TASK_QUEUES", "dead"),
    ("TASK_QUEUES", "mail.urgent"),
    ("TASK_LEASE", "0.5s"),
    ("TASKS_KEPT", "7"),
    ("LOG_KEPT", "-1d"),
    ("AUTH_MODE", "basic"),
    ("OPS_PORT", "0"),
    ("AUTH_JWT_ISSUER", "a\nb"),
    ("AUTH_JWT_AUDIENCE", " profiles"),
    ("AUTH_JWT_JWKS", "a\0b"),
    ("AUTH_JWT_JWKS", "http://id.example.com/keys"),
    ("AUTH_JWT_JWKS", "http://10.0.0.1/keys"),
    ("AUTH_JWT_JWKS", "http://127.0.0.1.nip.io/keys"),
    ("AUTH_JWT_JWKS", "http://127.0.0.1@id.example.com/keys"),
    ("AUTH_JWT_JWKS", "https://user:secret@id.example.com/keys"),
    ("AUTH_JWT_JWKS", "https://id.example.com/keys#one"),
    ("AUTH_JWT_JWKS", "https://id.example.com:0/keys"),
    ("AUTH_JWT_JWKS", "https://id.example.com:99999/keys"),
    ("AUTH_JWT_JWKS", "https:///keys"),
    ("AUTH_JWT_JWKS", "https://[::1/keys"),
    ("AUTH_JWT_JWKS", "https://id.example.com/a b"),
    ("AUTH_JWT_JWKS", "file:///etc/jwks.json"),
    ("AUTH_JWT_JWKS", "ftp://id.example.com/keys"),
    ("AUTH_JWT_ALGORITHMS", "HS256"),
    ("AUTH_JWT_ALGORITHMS", "RS256,HS256"),
    ("AUTH_JWT_ALGORITHMS", "none"),
    ("AUTH_JWT_ALGORITHMS", "RS256,none"),
    ("AUTH_JWT_ALGORITHMS", "RS256,"),
    ("AUTH_JWT_ALGORITHMS", "rs256"),
    ("REQUIRE_IF_MATCH", "yes"),
    ("IDEMPOTENCY_KEPT", "a day"),
    ("TOMBSTONES_KEPT", "36501d"),
    ("TASKS_KEPT", "7"),
    ("LOG_KEPT", "-1d"),
    ("HEAD_TIMEOUT", "0s"),
    ("BODY_TIMEOUT", "0s"),
    ("SHUTDOWN_DELAY", "soon"),
    ("SHUTDOWN_TIMEOUT", "0s"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "loud"),
    ("ACCESS_LOG", "101"),
    ("OTEL_TRACES_EXPORTER", "jaeger"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer abc"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization="),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,,c=d"),
]


def test_the_seeds_variables_keep_their_names_and_defaults() -> None:
    settings = Settings.read("dev", {})
    assert {name: getattr(settings, name) for name in SEED_DEFAULTS} == SEED_DEFAULTS


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_good_value_is_taken(name: str, text: str, value: Any) -> None:
    assert getattr(Settings.read("dev", {name: text}), name.lower()) == value


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_one_line_that_names_it_and_what_it_takes(name: str, text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read("dev", {name: text})
    said = str(caught.value)
    assert said.startswith(f"{name} ")
    assert "; it takes " in said
    assert said.isprintable()
    assert len(said) < 250


def test_every_variable_is_tried_with_a_good_and_a_bad_value() -> None:
    names = {row.name for row in Settings.read("dev", {}).rows}
    any_text = {"DB_PASSWORD", "REDIS_PASSWORD", "BLOBS_SECRET_KEY"}
    assert {name for name, *_ in GOOD} == names
    assert {name for name, *_ in BAD} == names - any_text


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.read("dev", {"SERVER_PORT": "", "DB_PASSWORD_FILE": ""}).server_port == 8080


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.read("dev", {}).server_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["DATABASE", "AUTH_MODE"])
def test_serve_chooses_nothing_silently(name: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name} has to be set for `serve`; it takes "):
        Settings.read("serve", {other: text for other, text in NAMED.items() if other != name})


def test_serve_listens_to_all_and_drains_longer() -> None:
    with pytest.raises(BadSetting, match=r"SERVER_HOST is '0\.0\.0\.0'"):
        Settings.read("serve", {"DATABASE": "sqlite", "AUTH_MODE": "none"})
    assert Settings.read("serve", NAMED).shutdown_timeout == timedelta(seconds=10)
    assert Settings.read("dev", {}).shutdown_timeout == timedelta(seconds=3)


@pytest.mark.parametrize("command", ["dev", "serve"])
@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "db.internal", "127.0.0.1.nip.io"]
)
def test_without_authentication_only_this_machine_may_call(command: Command, host: str) -> None:
    with pytest.raises(BadSetting, match=r"^AUTH_MODE .*127\.0\.0\.1, ::1 or localhost"):
        Settings.read(command, NAMED | {"SERVER_HOST": host})


def test_a_tool_does_not_listen_so_that_the_host_does_not_matter() -> None:
    settings = Settings.read("tool", {"SERVER_HOST": "0.0.0.0"})
    assert (settings.database, settings.log_level) == ("sqlite", "warning")


def test_the_rows_say_where_each_value_comes_from() -> None:
    rows = {row.name: row for row in Settings.read("dev", {"SERVER_PORT": "9000"}).rows}
    assert rows["SERVER_PORT"][1:3] == ("9000", "environment")
    assert rows["CACHE_TTL"][1:3] == ("24h", "default")
    assert rows["DB_PASSWORD"].value == "-"
    assert all(row.help for row in rows.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_configured(command: Command) -> None:
    assert Settings.read(command, NAMED).command == command
