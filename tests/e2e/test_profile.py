"""The rows of the API page on one profile: what each call answers, to the byte where promised."""

import json
from typing import Any

import httpx
import pytest

from tests.support.http import (
    FIELDS,
    JSON,
    PROFILES,
    TIME,
    UUID7,
    created,
    path_of,
    person,
    place,
    problem,
)

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def as_written(profile: dict[str, Any]) -> str:
    """The bytes that a bare profile is sent as: the order of the fields, no blanks."""
    return json.dumps(
        {field: profile[field] for field in FIELDS}, separators=(",", ":"), ensure_ascii=False
    )


def test_post_profiles(api: httpx.Client) -> None:
    """POST /profiles → 201, the bare profile, Location, ETag."""
    body = person(name=" Ada Lovelace ", bio="", image_urls=["https://example.com/a.jpg"])
    response = api.post(PROFILES, json=body)
    assert response.status_code == 201
    profile = response.json()
    assert response.text == as_written(profile)
    assert UUID7.fullmatch(profile["id"])
    assert TIME.fullmatch(profile["created_at"])
    assert profile == {
        "id": profile["id"],
        "name": "Ada Lovelace",
        "email": body["email"],
        "bio": "",
        "image_urls": ["https://example.com/a.jpg"],
        "images": [],
        "owner": None,
        "version": 1,
        "created_at": profile["created_at"],
        "updated_at": profile["created_at"],
    }
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"{PROFILES}/{profile['id']}"
    assert response.headers["etag"] == '"v1"'
    assert response.headers["x-consistency-token"]
    assert api.get(response.headers["location"]).json()["profile"] == profile


def test_post_profiles_defaults(api: httpx.Client) -> None:
    """POST /profiles {name, email, bio?, image_urls?}: what is left out is empty."""
    profile = created(api)
    assert (profile["bio"], profile["image_urls"]) == ("", [])


def test_what_was_typed_is_kept(api: httpx.Client) -> None:
    """Profile: email is kept as typed, names of any script as they are."""
    body = person(name="Žofia 李 \U0001f600", email="Zoe.Y+Tag@Example.COM", bio="tab\tline\nend")
    assert created(api, **body).items() >= body.items()


def test_post_takes_json_without_a_content_type(api: httpx.Client) -> None:
    """The seed's clients go on working: a body without a content type is read as JSON."""
    response = api.post(PROFILES, content=json.dumps(person()).encode())
    assert response.status_code == 201


@pytest.mark.parametrize("charset", ["; charset=utf-8", ";charset=UTF-8", ""])
def test_post_takes_a_charset(api: httpx.Client, charset: str) -> None:
    content = json.dumps(person()).encode()
    headers = {"Content-Type": f"Application/JSON{charset}"}
    assert api.post(PROFILES, content=content, headers=headers).status_code == 201


def test_get_profile(api: httpx.Client) -> None:
    """GET /profiles/{id} → 200 {"profile": {…}, "source": …}, ETag, X-Cache."""
    profile = created(api)
    response = api.get(path_of(profile))
    assert response.status_code == 200
    assert response.text == f'{{"profile":{as_written(profile)},"source":"cache"}}'
    assert response.headers["etag"] == '"v1"'
    assert response.headers["x-cache"] == "hit"
    assert response.headers["cache-control"] == "private, no-cache"


def test_get_profile_says_where_it_came_from(api: httpx.Client) -> None:
    """GET /profiles/{id} → source "database" and X-Cache: miss, then "cache" and hit.

    The cache holds ten profiles, first in, first out: ten more push one out.
    """
    first = created(api)
    others = [created(api) for _ in range(10)]
    for source, x_cache in (("database", "miss"), ("cache", "hit")):
        response = api.get(path_of(first))
        assert response.json() == {"profile": first, "source": source}
        assert response.headers["x-cache"] == x_cache
    assert api.get(path_of(others[-1])).json()["source"] == "cache"


def test_get_unknown_profile(api: httpx.Client) -> None:
    """GET /profiles/{id} → 404 for an id that nobody has."""
    problem(api.get(f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"), 404, "not_found")


def test_head_is_get_without_a_body(api: httpx.Client) -> None:
    """HEAD: the headers of GET, and no body."""
    profile = created(api)
    for path in (
        path_of(profile),
        PROFILES,
        f"{PROFILES}?email={profile['email']}",
        "/health/live",
    ):
        get, head = api.get(path), api.head(path)
        assert head.status_code == get.status_code == 200
        assert head.content == b""
        ignored = {"date", "x-request-id"}
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in get.headers.items() if k not in ignored
        }


def test_head_of_what_is_not_there(api: httpx.Client) -> None:
    response = api.head("/nowhere")
    assert (response.status_code, response.content) == (404, b"")
    assert response.headers["content-type"] == "application/problem+json"


def test_head_of_a_stream_ends(api: httpx.Client) -> None:
    """HEAD of an endless stream answers at once, and the connection goes on."""
    for _ in range(3):
        head = api.head("/api/v1/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
    assert api.get("/health/live").status_code == 200


def test_put_profile(api: httpx.Client) -> None:
    """PUT /profiles/{id} any subset → 200, the bare profile; a field left out stays."""
    before = created(api, bio="stays", image_urls=["https://example.com/1.jpg"])
    response = api.put(path_of(before), json={"name": "Augusta Ada King"})
    assert response.status_code == 200
    after = response.json()
    assert response.text == as_written(after)
    changed = {"name": "Augusta Ada King", "version": 2, "updated_at": after["updated_at"]}
    assert after == before | changed
    assert before["updated_at"] < after["updated_at"]
    assert response.headers["etag"] == '"v2"'
    assert api.get(path_of(before)).json()["profile"] == after


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"email": "other.put@example.com"},
        {"bio": "other"},
        {"image_urls": ["http://example.com/"]},
        {"bio": "", "image_urls": []},
        {},
    ],
)
def test_put_takes_any_subset(api: httpx.Client, change: dict[str, Any]) -> None:
    """PUT /profiles/{id} any subset of {name, email, bio, image_urls}."""
    before = created(api, bio="before", image_urls=["https://example.com/1.jpg"])
    after = api.put(path_of(before), json=change).json()
    expected = before | change | {"version": 2, "updated_at": after["updated_at"]}
    assert after == expected


def test_put_keeps_its_own_email(api: httpx.Client) -> None:
    """A profile may be given its own email again, also in another case."""
    profile = created(api)
    email = profile["email"].upper()
    assert api.put(path_of(profile), json={"email": email}).json()["email"] == email


def test_patch_profile(api: httpx.Client) -> None:
    """PATCH /profiles/{id} application/merge-patch+json → 200; null clears bio."""
    before = created(api, bio="goes", image_urls=["https://example.com/1.jpg"])
    response = api.patch(path_of(before), content=b'{"bio":null}', headers=MERGE_PATCH)
    assert response.status_code == 200
    after = response.json()
    assert response.text == as_written(after)
    assert after == before | {"bio": "", "version": 2, "updated_at": after["updated_at"]}
    assert response.headers["etag"] == '"v2"'


def test_patch_takes_plain_json_and_clears_image_urls(api: httpx.Client) -> None:
    """PATCH /profiles/{id}: application/json will do; null clears image_urls too."""
    before = created(api, image_urls=["https://example.com/1.jpg"])
    after = api.patch(path_of(before), json={"image_urls": None, "name": "New"}).json()
    assert (after["image_urls"], after["name"], after["email"]) == ([], "New", before["email"])


@pytest.mark.parametrize("field", ["name", "email"])
def test_patch_null_is_refused(api: httpx.Client, field: str) -> None:
    """PATCH /profiles/{id}: null is a 422 on name and email."""
    profile = created(api)
    content = json.dumps({field: None}).encode()
    response = api.patch(path_of(profile), content=content, headers=MERGE_PATCH)
    assert problem(response, 422, "invalid")["errors"][0]["field"] == field
    assert api.get(path_of(profile)).json()["profile"] == profile


def test_delete_profile(api: httpx.Client) -> None:
    """DELETE /profiles/{id} → 204; a second time 404."""
    profile = created(api)
    response = api.delete(path_of(profile))
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["etag"] == '"v2"'
    problem(api.delete(path_of(profile)), 404, "not_found")
    problem(api.get(path_of(profile)), 404, "not_found")
    assert api.get(PROFILES, params={"email": profile["email"]}).json() == []
    assert api.get(PROFILES, params={"ids": profile["id"]}).json() == []


def test_restore_profile(api: httpx.Client) -> None:
    """POST /profiles/{id}/restore → 200 while the tombstone is kept: as it was, a version on."""
    before = created(api, bio="comes back", image_urls=["https://example.com/1.jpg"])
    api.delete(path_of(before))
    response = api.post(f"{path_of(before)}/restore")
    assert response.status_code == 200
    after = response.json()
    assert response.text == as_written(after)
    assert after == before | {"version": 3, "updated_at": after["updated_at"]}
    assert response.headers["etag"] == '"v3"'
    assert api.get(path_of(before)).json()["profile"] == after


def test_restore_where_the_email_was_taken(api: httpx.Client) -> None:
    """POST /profiles/{id}/restore → 409 if its email was taken meanwhile, in any case."""
    before = created(api)
    api.delete(path_of(before))
    taker = created(api, email=before["email"].upper())
    problem(api.post(f"{path_of(before)}/restore"), 409, "email_taken")
    api.delete(path_of(taker))
    assert api.post(f"{path_of(before)}/restore").status_code == 200


def test_restore_what_is_alive_or_unknown(api: httpx.Client) -> None:
    """POST /profiles/{id}/restore → 409 for what is not deleted, 404 for what never was."""
    profile = created(api)
    problem(api.post(f"{path_of(profile)}/restore"), 409, "not_deleted")
    unknown = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000/restore"
    problem(api.post(unknown), 404, "not_found")


def test_email_is_unique_without_regard_to_case(api: httpx.Client) -> None:
    """Profile: email, unique without regard to case; 409 on POST, PUT and PATCH."""
    taken, other = created(api), created(api)
    email = taken["email"].title()
    problem(api.post(PROFILES, json=person(email=email)), 409, "email_taken")
    problem(api.put(path_of(other), json={"email": email}), 409, "email_taken")
    problem(api.patch(path_of(other), json={"email": email}), 409, "email_taken")
    assert api.get(path_of(other)).json()["profile"] == other


def test_email_is_free_again_after_a_deletion(api: httpx.Client) -> None:
    profile = created(api)
    api.delete(path_of(profile))
    assert created(api, email=profile["email"])["id"] != profile["id"]


def test_get_history(api: httpx.Client) -> None:
    """GET /profiles/{id}/events → 200, its history, newest first, paged as above."""
    profile = created(api, bio="one")
    second = api.put(path_of(profile), json={"bio": "two"}).json()
    api.delete(path_of(profile))
    api.post(f"{path_of(profile)}/restore")
    history = api.get(f"{path_of(profile)}/events").json()
    assert [event["type"] for event in history] == [
        "profile.restored",
        "profile.deleted",
        "profile.updated",
        "profile.created",
    ]
    assert [event["version"] for event in history] == [4, 3, 2, 1]
    positions = [event["position"] for event in history]
    assert positions == sorted(positions, reverse=True)
    update = history[2]
    assert list(update) == ["position", "profile_id", "type", "version", "data", "at", "actor"]
    assert (update["profile_id"], update["actor"]) == (profile["id"], None)
    assert update["at"] == second["updated_at"]
    fields = ("name", "email", "bio", "image_urls", "images", "owner", "created_at")
    assert update["data"] == {field: second[field] for field in fields}
    assert history[1]["data"] == {}

    paged, response = [], api.get(f"{path_of(profile)}/events?limit=3")
    while True:
        paged += response.json()
        if "next" not in response.links:
            break
        response = api.get(response.links["next"]["url"])
    assert paged == history


def test_get_history_of_the_deleted_and_the_unknown(api: httpx.Client) -> None:
    """GET /profiles/{id}/events: also after the deletion; 404 for what never was."""
    profile = created(api)
    api.delete(path_of(profile))
    assert len(api.get(f"{path_of(profile)}/events").json()) == 2
    unknown = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000/events"
    problem(api.get(unknown), 404, "not_found")


def test_get_export(api: httpx.Client) -> None:
    """GET /profiles/export → 200 application/x-ndjson, every living profile, oldest first."""
    kept, gone = created(api, name="Zoë \U0001f600"), created(api)
    api.delete(path_of(gone))
    response = api.get(f"{PROFILES}/export")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["transfer-encoding"] == "chunked"
    lines = response.text.split("\n")
    assert lines.pop() == ""
    exported = [json.loads(line) for line in lines]
    assert lines == [as_written(profile) for profile in exported]
    assert kept in exported
    assert gone["id"] not in {profile["id"] for profile in exported}
    assert exported == sorted(exported, key=lambda profile: place(profile, "created_at"))


def test_json_headers_of_a_write(api: httpx.Client) -> None:
    """Errors and answers are not to be kept by anybody on the way, nor sniffed."""
    response = api.post(PROFILES, json=person(), headers=JSON)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
