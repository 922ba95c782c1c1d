"""The rows of the API page on images: what each call answers, and what becomes of the profile."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.support.http import (
    PROFILES,
    TIME,
    created,
    path_of,
    problem,
)
from tests.support.pictures import encoded, photograph, scene
from tests.support.processes import Server, run
from tests.support.sse import events, following
from tests.support.tasks import reached, submitted
from tests.support.uploads import (
    MULTIPART,
    assert_whole,
    files_of,
    form,
    gone,
    images,
    images_of,
    part,
    upload,
    uploaded,
)

SIZES = {"thumb": (96, 96), "medium": (384, 288), "large": (1600, 1200)}
UNKNOWN = f"{PROFILES}/0198c5a0-0000-7000-8000-000000000000"
NO_IMAGE = "0" * 64
FOREIGN = "https://example.com/a.png"


def picture(number: int) -> bytes:
    """A small one, unlike those of other numbers."""
    return encoded(Image.new("RGB", (30, 20), (number * 37 % 256, number * 91 % 256, 99)), "PNG")


def profile_of(api: httpx.Client, profile: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(path_of(profile)).json()["profile"]
    return found


def test_post_an_image(api: httpx.Client) -> None:
    """POST /profiles/{id}/images → 201, the image with three sizes, each as WebP and as JPEG."""
    profile = created(api)
    response = upload(api, profile, encoded(photograph(2_000, 1_500)))
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert response.headers["etag"] == '"v2"'
    assert response.headers["x-consistency-token"]
    assert response.headers["cache-control"] == "no-store"
    image = response.json()
    assert list(image) == [
        *("id", "url", "width", "height", "thumbhash", "variants", "created_at"),
    ]
    assert len(image["id"]) == 64
    assert TIME.fullmatch(image["created_at"])
    assert len(base64.b64decode(image["thumbhash"])) <= 25
    assert list(image["variants"]) == list(SIZES)
    for size, variant in image["variants"].items():
        assert list(variant) == ["url", "width", "height", "bytes", "jpeg"]
        assert (variant["width"], variant["height"]) == SIZES[size]
        assert variant["url"] == f"/media/{image['id'][:2]}/{image['id']}/{size}.webp"
        assert variant["jpeg"]["url"] == variant["url"].replace(".webp", ".jpg")
        for url, format_ in ((variant["url"], "WEBP"), (variant["jpeg"]["url"], "JPEG")):
            answer = api.get(url)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == f"image/{format_.lower()}"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            found = Image.open(io.BytesIO(answer.content))
            assert (found.format, found.size) == (format_, SIZES[size])
    assert_whole(api, image)
    large = image["variants"]["large"]
    assert (image["url"], image["width"], image["height"]) == (large["url"], 1600, 1200)
    assert images(api, profile) == [image]


def test_nothing_is_enlarged(api: httpx.Client) -> None:
    image = uploaded(api, created(api), encoded(scene(60, 40), "WEBP"))
    sizes = {s: (v["width"], v["height"]) for s, v in image["variants"].items()}
    assert sizes == {"thumb": (40, 40), "medium": (60, 40), "large": (60, 40)}


def test_the_part_may_be_called_file(api: httpx.Client) -> None:
    profile = created(api)
    content = form(part(picture(1), name=b"file"))
    response = api.post(images_of(profile), content=content, headers=MULTIPART)
    assert response.status_code == 201
    assert images(api, profile) == [response.json()]


def test_a_form_of_the_clients_library(api: httpx.Client) -> None:
    """As browsers and curl send it: a boundary of their own, a name, a type."""
    files = {"image": ("me.png", picture(2), "image/png")}
    assert api.post(images_of(created(api)), files=files).status_code == 201


def test_the_same_picture_again_is_the_same_image(api: httpx.Client) -> None:
    profile = created(api)
    first = uploaded(api, profile, picture(3))
    again = upload(api, profile, picture(3))
    assert (again.status_code, again.json()) == (201, first)
    assert "etag" not in again.headers, "nothing was written"
    assert profile_of(api, profile)["version"] == 2


def test_get_images_has_the_newest_last(api: httpx.Client) -> None:
    """GET /profiles/{id}/images → 200, a bare array."""
    profile = created(api)
    assert images(api, profile) == []
    expected = [uploaded(api, profile, picture(number)) for number in (4, 5, 6)]
    assert images(api, profile) == expected
    problem(api.get(f"{UNKNOWN}/images"), 404, "not_found")


def test_the_profile_follows(api: httpx.Client) -> None:
    """Its version, ETag, events and history, and the URLs among image_urls."""
    profile = created(api, image_urls=[FOREIGN])
    first, second = (uploaded(api, profile, picture(number)) for number in (7, 8))
    answer = api.get(path_of(profile))
    found = answer.json()["profile"]
    assert answer.headers["etag"] == '"v3"'
    assert found == profile | {
        "images": [first, second],
        "image_urls": [FOREIGN, first["url"], second["url"]],
        "version": 3,
        "updated_at": found["updated_at"],
    }
    assert found["updated_at"] > profile["updated_at"]
    listed = api.get(PROFILES, params={"email": profile["email"]}).json()
    assert listed == [found]
    api.delete(f"{images_of(profile)}/{first['id']}")
    history = api.get(f"{path_of(profile)}/events").json()
    assert [(event["type"], event["version"]) for event in history] == [
        ("profile.updated", 4),
        ("profile.updated", 3),
        ("profile.updated", 2),
        ("profile.created", 1),
    ]
    assert [event["data"]["images"] for event in history] == [
        [second["id"]],
        [first["id"], second["id"]],
        [first["id"]],
        [],
    ]
    assert {tuple(event["data"]["image_urls"]) for event in history} == {(FOREIGN,)}


def test_the_feed_tells(api: httpx.Client) -> None:
    profile = created(api)
    (first,) = api.get(f"{path_of(profile)}/events").json()
    image = uploaded(api, profile, picture(19))
    api.delete(f"{images_of(profile)}/{image['id']}")
    with following(api, after=str(first["position"])) as messages:
        told = events(messages, 2)
    assert [(event["type"], event["data"]["images"]) for event in told] == [
        ("profile.updated", [image["id"]]),
        ("profile.updated", []),
    ]
    assert told[::-1] == api.get(f"{path_of(profile)}/events").json()[:2]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_was_read_is_written_back_and_changes_nothing(api: httpx.Client, method: str) -> None:
    profile = created(api, image_urls=[FOREIGN])
    image = uploaded(api, profile, picture(9))
    found = profile_of(api, profile)
    body = {field: found[field] for field in ("name", "email", "bio", "image_urls")}
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Content-Type": kind}
    answer = api.request(method, path_of(profile), content=json.dumps(body), headers=headers)
    assert answer.status_code == 200, answer.text
    written = answer.json()
    changed = {"version": 3, "updated_at": written["updated_at"]}
    assert written == found | changed
    emptied = api.request(method, path_of(profile), content='{"image_urls":[]}', headers=headers)
    assert emptied.json()["images"] == [image], "an image goes by DELETE alone"
    assert emptied.json()["image_urls"] == [image["url"]]


def test_delete_an_image(api: httpx.Client) -> None:
    """DELETE /profiles/{id}/images/{image_id} → 204; then its files are gone."""
    profile = created(api)
    image, other = (uploaded(api, profile, picture(number)) for number in (10, 11))
    path = f"{images_of(profile)}/{image['id']}"
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["etag"] == '"v4"'
    assert answer.headers["x-consistency-token"]
    assert images(api, profile) == [other]
    gone(api, image)
    assert_whole(api, other)
    problem(api.delete(path), 404, "not_found")
    assert profile_of(api, profile)["version"] == 4
    assert uploaded(api, profile, picture(10))["id"] == image["id"], "it can come back"


@pytest.mark.parametrize("image_id", [NO_IMAGE, "x", "..%2f..", "0" * 63, "A" * 64])
def test_delete_what_is_not_there(api: httpx.Client, image_id: str) -> None:
    profile = created(api)
    problem(api.delete(f"{images_of(profile)}/{image_id}"), 404, "not_found")
    problem(api.delete(f"{UNKNOWN}/images/{NO_IMAGE}"), 404, "not_found")


def test_delete_takes_if_match(api: httpx.Client) -> None:
    profile = created(api)
    image = uploaded(api, profile, picture(12))
    path = f"{images_of(profile)}/{image['id']}"
    refused = problem(api.delete(path, headers={"If-Match": '"v1"'}), 412, "stale_version")
    assert refused["version"] == 2
    assert images(api, profile) == [image]
    assert api.delete(path, headers={"If-Match": '"v2"'}).status_code == 204


def test_the_files_stay_until_the_last_profile_is_without(api: httpx.Client) -> None:
    one, two = created(api), created(api)
    image = uploaded(api, one, picture(13))
    assert files_of(uploaded(api, two, picture(13))) == files_of(image)
    api.delete(f"{images_of(one)}/{image['id']}")
    witness = uploaded(api, one, picture(14))
    api.delete(f"{images_of(one)}/{witness['id']}")
    gone(api, witness)  # by then the task of the first has had its turn too
    assert_whole(api, image)
    api.delete(f"{images_of(two)}/{image['id']}")
    gone(api, image)


def test_a_deleted_profile_comes_back_with_its_images(api: httpx.Client) -> None:
    profile = created(api)
    image = uploaded(api, profile, picture(15))
    api.delete(path_of(profile))
    problem(api.get(images_of(profile)), 404, "not_found")
    problem(upload(api, profile, picture(16)), 404, "not_found")
    problem(api.delete(f"{images_of(profile)}/{image['id']}"), 404, "not_found")
    assert api.post(f"{path_of(profile)}/restore").json()["images"] == [image]
    assert_whole(api, image)


def test_an_erased_profile_takes_its_images_along(api: httpx.Client) -> None:
    profile = created(api)
    image = uploaded(api, profile, picture(17))
    payload = {"profile_id": profile["id"]}
    reached(api, submitted(api, "profile.erase", payload=payload), "succeeded")
    gone(api, image)


def test_there_is_a_most(api: httpx.Client) -> None:
    profile = created(api)
    for number in range(32):
        uploaded(api, profile, picture(100 + number))
    refused = problem(upload(api, profile, picture(200)), 409, "too_many_images")
    assert "32 images" in refused["detail"]
    assert len(images(api, profile)) == 32


def test_export_and_import(server: Server, api: httpx.Client, tmp_path: Path) -> None:
    """A row takes all along but the uploads, whose URLs would lead nowhere."""
    profile = created(api, image_urls=[FOREIGN], bio="to be moved")
    image = uploaded(api, profile, picture(18))
    lines = api.get(f"{PROFILES}/export").text.splitlines()
    (line,) = [line for line in lines if json.loads(line)["id"] == profile["id"]]
    assert json.loads(line)["images"] == [image]
    (tmp_path / "people.ndjson").write_text(line + "\n")
    here = run(server.folder, "import", str(tmp_path / "people.ndjson"), "--on-conflict", "update")
    assert here.stdout.startswith("0 created, 0 updated, 1 skipped, 0 rejected"), here
    assert images(api, profile) == [image]
    run(tmp_path, "import", "people.ndjson")
    moved = json.loads(run(tmp_path, "export").stdout)
    assert moved == json.loads(line) | {"images": [], "image_urls": [FOREIGN]}


def test_the_document_shows_the_upload(api: httpx.Client) -> None:
    """GET /openapi.json: what a client has to send, and what it gets."""
    paths = api.get("/openapi.json").json()["paths"]
    operation = paths[f"{PROFILES}/{{profile_id}}/images"]["post"]
    assert operation["operationId"] == "uploadImage"
    body = operation["requestBody"]
    assert body["required"] is True
    assert list(body["content"]) == ["multipart/form-data"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["image"], False)
    assert schema["properties"]["image"]["type"] == "string"
    for status in ("201", "404", "409", "413", "415", "422"):
        assert status in operation["responses"]
    assert {"ETag", "X-Consistency-Token"} <= set(operation["responses"]["201"]["headers"])
    assert "302" in paths[f"{PROFILES}/{{profile_id}}/avatar"]["get"]["responses"]
    assert "delete" in paths[f"{PROFILES}/{{profile_id}}/images/{{image_id}}"]
