"""Rows from elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from profilecore.errors import Conflict, Unavailable
from profilecore.identifiers import new_id
from profilecore.importing import Importer, OnConflict, Row
from profilecore.paging import Query
from profilecore.service import now
from profilecore.testing.samples import (
    add,
    deleted,
    person,
    updated,
    write,
)
from tests.unit.core.doubles import Process


def rows(*values: dict[str, Any]) -> list[Row]:
    return [Row(number, value) for number, value in enumerate(values, start=1)]


def ada(**values: Any) -> dict[str, Any]:
    return {"name": "Ada", "email": "ada@example.com"} | values


def counts(importer: Importer) -> tuple[int, int, int, int]:
    tally = importer.tally
    return tally.created, tally.updated, tally.skipped, tally.rejected


async def test_what_an_export_wrote_is_kept(process: Process) -> None:
    id_ = new_id()
    row = ada(
        id=str(id_),
        bio="x",
        image_urls=["http://a"],
        images=[],
        owner="me",
        version=7,
        created_at="2020-01-01T12:00:00.123456+02:00",
        updated_at="2021-01-01T00:00:00Z",
    )
    importer = Importer(process.service, OnConflict.SKIP)
    before = now()
    assert await importer.take(rows(row)) == []
    profile = (await process.profiles.get([id_]))[id_]
    assert (profile.version, profile.owner, profile.image_urls) == (7, "me", ("http://a",))
    assert profile.created_at == datetime(2020, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert profile.created_at.utcoffset() == timedelta(0), "times are in UTC"
    assert profile.updated_at == datetime(2021, 1, 1, tzinfo=UTC)
    (event,) = await process.log.read(0, 10)
    assert before <= event.at <= now(), "it happened here and now, whatever the row's times are"


async def test_a_row_needs_name_and_email_only(process: Process) -> None:
    before = now()
    await Importer(process.service, OnConflict.SKIP).take(rows(ada(id=None, owner=None)))
    (event,) = await process.log.read(0, 10)
    (profile,) = (await process.profiles.get([event.profile_id])).values()
    assert (profile.bio, profile.image_urls, profile.version, profile.owner) == ("", (), 1, None)
    assert before <= profile.created_at == profile.updated_at <= now()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "x"}, "email"),
        ({"name": ""}, "name"),
        ({"id": "x"}, "id"),
        ({"id": 7}, "id"),
        ({"owner": ""}, "owner"),
        ({"owner": "a\x00"}, "owner"),
        ({"owner": "\ud800"}, "owner"),
        ({"owner": "x" * 256}, "owner"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"version": 2**31}, "version"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "2020-01-01T00:00:00"}, "created_at"),
        ({"created_at": 5}, "created_at"),
        ({"updated_at": "0001-01-01T00:00:00+05:00"}, "updated_at"),
        ({"updated_at": "9999-12-31T23:59:59-05:00"}, "updated_at"),
        ({"nickname": "x"}, "nickname"),
    ],
)
@pytest.mark.parametrize("mode", OnConflict)
async def test_a_broken_row_is_told_and_stops_no_other(
    process: Process, wrong: dict[str, Any], field: str, mode: OnConflict
) -> None:
    importer = Importer(process.service, mode)
    good = {"name": "Bob", "email": "bob@example.com"}
    rejects = await importer.take(rows(ada(**wrong), good))
    assert [reject.row.number for reject in rejects] == [1]
    assert rejects[0].reason.startswith(f"{field} ")
    assert counts(importer) == (1, 0, 0, 1)


async def test_rejects_come_in_the_order_of_their_rows(process: Process) -> None:
    await add(process.profiles, person(email="ada@example.com"))
    importer = Importer(process.service, OnConflict.UPDATE)
    taken = person()
    await add(process.profiles, taken)
    await write(process.profiles, deleted(taken))
    rejects = await importer.take(
        rows({"name": "x"}, ada(id=str(taken.id)), ada(name=""), ada(name="Countess"))
    )
    assert [reject.row.number for reject in rejects] == [1, 2, 3]
    assert "deleted" in rejects[1].reason
    assert counts(importer) == (0, 1, 0, 3)


async def test_skip_leaves_what_is_there(process: Process) -> None:
    there = person(email="ada@example.com")
    await add(process.profiles, there)
    importer = Importer(process.service, OnConflict.SKIP)
    by_id = {"id": str(there.id), "name": "x", "email": "other@example.com"}
    assert (
        await importer.take(rows(ada(email="ADA@example.com"), by_id, ada(email="new@x.de"))) == []
    )
    assert counts(importer) == (1, 0, 2, 0)
    assert await process.profiles.get([there.id]) == {there.id: there}


async def test_update_changes_what_is_there(process: Process) -> None:
    by_email, by_id, same = person(email="ada@example.com", bio="kept"), person(), person()
    await add(process.profiles, by_email, by_id, same)
    importer = Importer(process.service, OnConflict.UPDATE)
    rejects = await importer.take(
        rows(
            ada(email="Ada@example.com", name="Countess"),
            {"id": str(by_id.id), "bio": "only this"},
            {"id": str(same.id), **same.values()},
            {"id": str(new_id()), "name": "New", "email": "new@x.de"},
        )
    )
    assert rejects == []
    assert counts(importer) == (1, 2, 1, 0)
    found = await process.profiles.get([by_email.id, by_id.id, same.id])
    first = found[by_email.id]
    assert (first.name, first.email, first.bio) == ("Countess", "Ada@example.com", "kept")
    assert (found[by_id.id].bio, found[by_id.id].name) == ("only this", by_id.name)
    assert found[same.id] == same


async def test_update_refuses_what_cannot_be(process: Process) -> None:
    one, two = person(email="one@x.de"), person(email="two@x.de")
    await add(process.profiles, one, two)
    importer = Importer(process.service, OnConflict.UPDATE)
    rejects = await importer.take(
        rows(
            {"id": str(one.id), "email": "two@x.de"},
            {"id": str(two.id), "email": "no address"},
            {"id": "x", "name": "y"},
            {"email": 7},
        )
    )
    assert [reject.row.number for reject in rejects] == [1, 2, 3, 4]
    assert rejects[0].reason == "Another profile has this email."
    assert await process.profiles.get([one.id, two.id]) == {one.id: one, two.id: two}


async def test_fail_names_the_row_and_keeps_nothing_of_its_chunk(process: Process) -> None:
    await add(process.profiles, person(email="ada@example.com"))
    position = await process.log.position()
    importer = Importer(process.service, OnConflict.FAIL)
    chunk = [Row(11, {"name": ""}), Row(12, ada(email="new@x.de")), Row(13, ada())]
    with pytest.raises(Conflict) as refused:
        await importer.take(chunk)
    assert refused.value.detail.startswith("Row 13: ")
    assert refused.value.code == "email_taken"
    assert await process.log.position() == position
    assert counts(importer) == (0, 0, 0, 0)


@pytest.mark.parametrize("mode", [OnConflict.SKIP, OnConflict.UPDATE])
async def test_a_run_that_was_cut_short_is_run_again(process: Process, mode: OnConflict) -> None:
    """With ids and without."""
    many = [ada(email=f"p{n}@x.de", **({"id": str(new_id())} if n % 2 else {})) for n in range(60)]
    chunks = [rows(*many)[start : start + 20] for start in (0, 20, 40)]
    first = Importer(process.service, mode)
    for chunk in chunks[:2]:
        await first.take(chunk)
    after_cut = await process.log.position()
    again = Importer(process.service, mode)
    for chunk in chunks:
        assert await again.take(chunk) == []
    assert counts(again) == (20, 0, 40, 0)
    assert await process.log.position() == after_cut + 20


async def test_a_row_twice_in_one_chunk_is_taken_once(process: Process) -> None:
    importer = Importer(process.service, OnConflict.SKIP)
    assert await importer.take(rows(ada(), ada(name="Again"))) == []
    assert counts(importer) == (1, 0, 1, 0)


async def test_an_update_in_a_race_is_made_on_what_is_there(process: Process) -> None:
    there = person(email="ada@example.com")
    await add(process.profiles, there)
    other = Process(process.log._store).profiles
    writes: list[UUID] = []

    async def once() -> None:
        writes.append(there.id)
        if len(writes) == 2:
            await write(other, updated(there, bio="by somebody else"))

    process.profiles.before_write = once
    importer = Importer(process.service, OnConflict.UPDATE)
    assert await importer.take(rows(ada(name="Countess"))) == []
    (profile,) = (await process.profiles.get([there.id])).values()
    assert (profile.name, profile.bio) == ("Countess", "by somebody else")


async def test_a_conflict_that_is_no_rows_is_passed_on(process: Process) -> None:
    async def conflict() -> None:
        raise Conflict("Of the store itself.")

    process.profiles.before_write = conflict
    with pytest.raises(Conflict, match=r"^Of the store itself\.$"):
        await Importer(process.service, OnConflict.FAIL).take(rows(ada()))


async def test_an_outage_is_not_a_reject(process: Process) -> None:
    async def fail() -> None:
        raise Unavailable("down")

    process.profiles.before_write = fail
    with pytest.raises(Unavailable):
        await Importer(process.service, OnConflict.UPDATE).take(rows(ada()))


# Uploads, which do not travel with a row


UPLOADED, FOREIGN = "/media/ab/abcd/large.webp", "https://example.com/a.png"


def exported(**values: Any) -> dict[str, Any]:
    """A row as an export writes it of a profile that has an image."""
    image = {"id": "abcd", "url": UPLOADED, "width": 1, "height": 1}
    return ada(image_urls=[FOREIGN, UPLOADED], images=[image]) | values


async def test_the_urls_of_uploads_are_passed_over(process: Process) -> None:
    importer = Importer(process.service, OnConflict.SKIP)
    assert await importer.take(rows(exported())) == []
    (profile,) = (await process.service.list(Query())).profiles
    assert (profile.image_urls, profile.images) == ((FOREIGN,), ())
    assert (importer.tally.created, importer.tally.imageless) == (1, 1)


async def test_a_row_that_was_exported_here_changes_nothing(process: Process) -> None:
    profile = person(image_urls=(FOREIGN,), name="Ada", email="ada@example.com")
    await add(process.profiles, profile)
    importer = Importer(process.service, OnConflict.UPDATE)
    assert await importer.take(rows(exported())) == []
    assert counts(importer) == (0, 0, 1, 0)
    assert importer.tally.imageless == 0
    assert (await process.profiles.get([profile.id]))[profile.id] == profile


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"images": []}, "image_urls[1]"),
        ({"images": None}, "image_urls[1]"),
        ({"images": "x"}, "image_urls[1]"),
        ({"images": {"url": UPLOADED}}, "image_urls[1]"),
        ({"images": [UPLOADED, None, 7, {}, {"url": None}]}, "image_urls[1]"),
        ({"image_urls": UPLOADED}, "image_urls"),
        ({"image_urls": [UPLOADED, None]}, "image_urls[0]"),
    ],
    ids=str,
)
async def test_what_is_no_upload_is_a_url_like_any(
    process: Process, values: dict[str, Any], field: str
) -> None:
    (reject,) = await Importer(process.service, OnConflict.SKIP).take(rows(exported(**values)))
    assert reject.reason.startswith(f"{field} must be")
    assert reject.row.number == 1


@pytest.mark.parametrize("version", [0, 2**31, 2**63 - 1, "1"])
async def test_a_version_that_no_store_takes_is_told_the_bounds(
    process: Process, version: object
) -> None:
    (reject,) = await Importer(process.service, OnConflict.SKIP).take(rows(ada(version=version)))
    assert reject.reason == "version must be a whole number from 1 to 2147483647"
