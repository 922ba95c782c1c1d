"""The images of a profile: those it has, and their URLs among the others."""

from datetime import timedelta

import pytest

from profilecore.errors import Conflict, Invalid, NotFound
from profilecore.image import File, Format, Size, key_of
from profilecore.profile import IMAGES_MAX, Profile
from profilecore.testing.samples import (
    AT,
    SECOND,
    person,
    picture,
)

FOREIGN = "https://example.com/a.png"


def pictured(number: int = 3, **fields: object) -> Profile:
    return person(images=tuple(picture() for _ in range(number)), **fields)


def url(profile: Profile, number: int, start: str = "/media") -> str:
    return f"{start}/{key_of(profile.images[number].id, File(Size.LARGE, Format.WEBP))}"


def test_an_image_more_is_the_last() -> None:
    profile, image = pictured(2), picture()
    after = profile.with_image(image, at=profile.updated_at + SECOND)
    assert after.images == (*profile.images, image)
    assert (after.version, after.updated_at) == (2, profile.updated_at + SECOND)
    assert after.values() == profile.values()
    assert len(profile.images) == 2


def test_there_is_a_most() -> None:
    profile = pictured(IMAGES_MAX - 1).with_image(picture(), at=AT)
    with pytest.raises(Conflict, match="delete one, and upload again") as refused:
        profile.with_image(picture(), at=AT)
    assert refused.value.code == "too_many_images"
    profile.without_image(profile.images[5].id, at=AT).with_image(picture(), at=AT)


def test_an_image_less() -> None:
    profile = pictured()
    first, second, third = profile.images
    after = profile.without_image(second.id, at=AT + timedelta(days=900))
    assert (after.images, after.version) == ((first, third), 2)
    with pytest.raises(NotFound, match=f"has no image {second.id}"):
        after.without_image(second.id, at=AT)


def test_another_image_in_the_place_of_one() -> None:
    profile, new = pictured(), picture()
    first, second, third = profile.images
    after = profile.with_image_instead(second.id, new, at=AT)
    assert (after.images, after.version) == ((first, new, third), 2)
    with pytest.raises(NotFound):
        after.with_image_instead(second.id, new, at=AT)


def test_one_that_it_has_takes_the_place_of_another_and_is_not_there_twice() -> None:
    profile = pictured()
    first, second, third = profile.images
    assert profile.with_image_instead(first.id, third, at=AT).images == (third, second)
    assert profile.with_image_instead(third.id, first, at=AT).images == (second, first)
    assert profile.with_image_instead(second.id, second, at=AT).images == profile.images


def test_one_of_its_images() -> None:
    profile = pictured()
    assert profile.image(profile.images[1].id) == profile.images[1]
    with pytest.raises(NotFound):
        profile.image(picture().id)


@pytest.mark.parametrize("alive", [True, False])
def test_bared_it_is_a_tombstone_without_images(alive: bool) -> None:
    profile = pictured()
    before = profile if alive else profile.removed(at=profile.updated_at + SECOND)
    bare = before.bared(at=before.updated_at + SECOND)
    assert (bare.images, bare.version) == ((), before.version + 1)
    assert bare.deleted_at == (before.updated_at + SECOND if alive else before.deleted_at)
    assert bare.values() == profile.values()


@pytest.mark.parametrize("change", ["removed", "restored", "revised"])
def test_other_changes_keep_the_images(change: str) -> None:
    profile = pictured()
    gone = profile.removed(at=AT)
    after = {
        "removed": gone,
        "restored": gone.restored(at=AT),
        "revised": profile.revised({"name": "Bob", "image_urls": []}, at=AT),
    }[change]
    assert after.images == profile.images


# Its URLs, among those that are written


@pytest.mark.parametrize(
    "start", ["/media", "https://cdn.example.com", "http://localhost:8080/media", "https://a/b/c"]
)
def test_what_was_read_is_written_back_and_changes_nothing(start: str) -> None:
    profile = pictured(image_urls=(FOREIGN,))
    shown = [FOREIGN, *(url(profile, n, start) for n in range(3))]
    after = profile.revised({"image_urls": shown}, at=AT)
    assert (after.image_urls, after.images) == ((FOREIGN,), profile.images)
    assert profile.revised({"image_urls": tuple(shown)}, at=AT).image_urls == (FOREIGN,)


def test_every_file_of_an_image_is_its_own() -> None:
    profile = pictured(1)
    shown = [f"/media/{key}" for key in profile.images[0].keys.values()]
    assert profile.revised({"image_urls": shown}, at=AT).image_urls == ()


def test_new_urls_are_taken_between_the_own() -> None:
    profile = pictured(image_urls=(FOREIGN,))
    new = "https://example.com/b.png"
    after = profile.revised({"image_urls": [url(profile, 2), new, url(profile, 0)]}, at=AT)
    assert (after.image_urls, after.images) == ((new,), profile.images)


def test_the_urls_of_others_images_are_like_any() -> None:
    other = pictured(1)
    foreign = url(other, 0, "https://cdn.example.com")
    for profile in (pictured(), person()):
        assert profile.revised({"image_urls": [foreign]}, at=AT).image_urls == (foreign,)
        with pytest.raises(Invalid):  # it is no absolute one
            profile.revised({"image_urls": [url(other, 0)]}, at=AT)


@pytest.mark.parametrize("tail", ["?x=1", "#x", "/x", ".png", "%00"])
def test_what_is_merely_like_an_own_url_is_a_foreign_one(tail: str) -> None:
    profile = pictured()
    foreign = url(profile, 0, "https://example.com") + tail
    assert profile.revised({"image_urls": [foreign]}, at=AT).image_urls == (foreign,)


@pytest.mark.parametrize("wrong", [7, None, {}, [], "", "/", "//", "///", "a/b/c", "/media/x/y/z"])
def test_what_is_no_url_is_refused_with_its_place(wrong: object) -> None:
    profile = pictured()
    with pytest.raises(Invalid) as refused:
        profile.revised({"image_urls": [FOREIGN, wrong]}, at=AT)
    assert [error.field for error in refused.value.errors] == ["image_urls[1]"]


@pytest.mark.parametrize("wrong", [7, "https://example.com", {"a": 1}])
def test_what_is_no_list_is_refused(wrong: object) -> None:
    with pytest.raises(Invalid):
        pictured().revised({"image_urls": wrong}, at=AT)


def test_the_most_are_counted_without_the_own() -> None:
    profile = pictured()
    many = [f"{FOREIGN}?{n}" for n in range(32)]
    after = profile.revised({"image_urls": [*many, url(profile, 0), url(profile, 1)]}, at=AT)
    assert len(after.image_urls) == 32
    with pytest.raises(Invalid):
        profile.revised({"image_urls": [*many, FOREIGN]}, at=AT)
