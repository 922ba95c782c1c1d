"""Every setting is either told to a deployment, or its default is the right one there."""

from typing import Final

from deploy import make_secrets
from deploy.local.stack import Stack
from tests.deploy import composed
from tests.deploy.configured import TABLE, environment_of
from tests.deploy.names import ours
from tests.deploy.rendering import ROOT, Objects

# Nobody who deploys has to say these: the default is right, or it is about another way to run.
DEFAULTS: Final = {
    *("ACCESS_LOG", "DB_PORT", "DB_POOL_MAX", "DB_PREPARED", "DB_CA_FILE"),
    *("DB_STATEMENT_TIMEOUT", "CACHE_MEMORY_MAX", "CACHE_TTL", "REDIS_DB"),
    *("REDIS_TLS", "REDIS_CA_FILE", "QUEUE_CA_FILE", "BLOBS_PATH_STYLE"),
    *("CDN_BASE_URL", "TASK_QUEUES", "TASK_LEASE", "CALLBACK_HOSTS"),
    *("RATE_LIMIT_READS", "RATE_LIMIT_WRITES", "RATE_LIMIT_UPLOADS"),
    *("RATE_LIMIT_FAILURES", "REQUESTS_MAX", "AUTH_JWT_ISSUER", "AUTH_JWT_AUDIENCE"),
    *("AUTH_JWT_JWKS", "AUTH_JWT_ALGORITHMS", "REQUIRE_IF_MATCH", "TOMBSTONES_KEPT"),
    "SERVER_WORKERS",
    *("TASKS_KEPT", "LOG_KEPT", "HEAD_TIMEOUT", "IDEMPOTENCY_KEPT", "BODY_TIMEOUT", "LOG_LEVEL"),
    "OTEL_EXPORTER_OTLP_HEADERS",
}


def test_every_setting_was_thought_of(everything: dict[str, Objects]) -> None:
    named = set(Stack(folder=ROOT).settings())
    for objects in everything.values():
        for _, container in ours(objects):
            named |= set(environment_of(objects, container))
    for service in composed.compose()["services"].values():
        if "profile-service" in service["image"]:
            named |= set(service["environment"])
    told = {name if name in TABLE else name.removesuffix("_FILE") for name in named} & set(TABLE)
    assert told & DEFAULTS == set(), "told to a deployment, and said to be left"
    assert told | DEFAULTS == set(TABLE), "neither told to a deployment nor said to be left"


def test_every_secret_is_made_and_used(everything: dict[str, Objects]) -> None:
    made = set(make_secrets.contents())
    simple = everything["simple"]
    in_cluster = {key for each in simple.kind("Secret") for key in each["data"]}
    assert in_cluster == made - {"grafana_password"}
    assert set(composed.compose()["secrets"]) == made
