"""Secrets are shown nowhere."""

import dataclasses

import pytest

from profilecore.entrypoints.cli.tables import as_json, as_table
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.variables import BadSetting, Secret

PARTS = ("hunter2", "swordfish", "open sesame", "open%20sesame")
GIVEN = {
    "DB_PASSWORD": "hunter2",
    "REDIS_PASSWORD": "swordfish",
    "QUEUE_URI": "amqp://u:open%20sesame@mq/",
}


def shown_by(settings: Settings) -> str:
    ways = (
        repr,
        str,
        as_table,
        as_json,
        lambda s: f"{dataclasses.asdict(s)}",
        lambda s: f"{s.rows}",
    )
    return "\n".join(way(settings) for way in ways)


def test_no_way_of_showing_settings_shows_a_secret() -> None:
    settings = Settings.read("dev", GIVEN)
    text = shown_by(settings) + f"{settings.db_password}{settings.queue_uri!r}"
    assert not [part for part in PARTS if part in text]
    assert text.count("***") >= 3


def test_a_secret_is_revealed_to_the_one_who_asks() -> None:
    settings = Settings.read("dev", GIVEN)
    assert settings.db_password is not None
    assert settings.db_password.reveal() == "hunter2"


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    "uri", ["http://u:hunter2@mq/", "amqp://u:hun/ter2@mq/", "amqp://u:p@mq:hunter2/", "hunter2"]
)
def test_a_bad_secret_is_refused_without_being_quoted(uri: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read("dev", {"QUEUE_URI": uri})
    assert str(caught.value).startswith("QUEUE_URI cannot be used; it takes amqp://")
    assert "hun" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_secrets_are_every_text_that_would_give_one_away() -> None:
    assert Settings.read("dev", GIVEN).secrets() >= {*PARTS, "amqp://u:open%20sesame@mq/"}
    assert Settings.read("dev", {"DB_PASSWORD": "p/w"}).secrets() == {"p/w", "p%2Fw"}


def test_each_part_of_the_headers_for_traces_is_a_secret() -> None:
    given = {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20hunter2,X-Key=swordfish"}
    secrets = Settings.read("dev", given).secrets()
    assert secrets >= {"hunter2", "Bearer hunter2", "Bearer%20hunter2", "swordfish"}
    assert "Bearer" not in secrets


def test_a_public_default_is_no_secret() -> None:
    assert Settings.read("dev", {}).secrets() == frozenset()
