"""Profiles and tasks as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

from profilecore import Order, Profile
from profilecore.entrypoints.wire import ENCODER, ProfileBody, TaskBody
from profilecore.identifiers import new_id

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def profile(at: datetime) -> Profile:
    urls = ("https://example.com/a.png",)
    return Profile(
        id=new_id(),
        name="Ада",
        email="ada@example.com",
        image_urls=urls,
        created_at=at,
        updated_at=at,
    )


def test_the_fields_come_in_the_order_of_the_contract() -> None:
    stored = profile(AT)
    text = ENCODER.encode(ProfileBody.of(stored, "/media")).decode()
    assert text == (
        f'{{"id":"{stored.id}","name":"Ада","email":"ada@example.com","bio":"",'
        '"image_urls":["https://example.com/a.png"],"images":[],"owner":null,"version":1,'
        '"created_at":"2026-01-31T12:00:00.123456Z","updated_at":"2026-01-31T12:00:00.123456Z"}'
    )


def test_times_are_in_utc_wherever_they_came_from() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    body = json.loads(ENCODER.encode(ProfileBody.of(profile(elsewhere), "/media")))
    assert body["created_at"] == body["updated_at"] == "2026-01-31T12:00:00.123456Z"


def test_a_task_has_the_fields_of_the_contract_and_then_ours() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    task = Order(type="echo", payload={"ä": 10**30}, unique_key="k", run_at=elsewhere).task(AT)
    failed = task.started(AT, timedelta(1)).failed(AT, 1, "Ошибка", final=True)
    text = ENCODER.encode(TaskBody.of(failed)).decode()
    at = "2026-01-31T12:00:00.123456Z"
    assert text == (
        f'{{"id":"{task.id}","type":"echo","status":"dead","payload":{{"ä":{10**30}}},'
        f'"run_at":"{at}","attempt":1,"max_attempts":5,"priority":0,"progress":null,'
        f'"result":null,"error":"Ошибка","created_at":"{at}","updated_at":"{at}",'
        f'"errors":[{{"attempt":1,"at":"{at}","error":"Ошибка"}}],'
        '"unique_key":"k","cancelling":false}'
    )
