"""What every adapter of the Profiles port does: lists."""

import asyncio
import itertools
from dataclasses import replace
from uuid import UUID

import pytest

from profilecore.identifiers import new_id
from profilecore.paging import Count, Cursor, Query, Sort
from profilecore.ports import Profiles
from profilecore.profile import Profile
from profilecore.testing.places import Place, Store
from profilecore.testing.samples import (
    AT,
    SECOND,
    add,
    created,
    deleted,
    person,
    updated,
    write,
)


async def walk(profiles: Profiles, query: Query) -> list[Profile]:
    """All pages of a list, one after the other, as a client gets them."""
    found: list[Profile] = []
    while True:
        page = await profiles.list(query)
        assert len(page.profiles) <= query.limit
        found += page.profiles
        if page.next is None:
            return found
        assert len(page.profiles) == query.limit
        query = replace(query, after=Cursor.decode(page.next.encode(), query.sort))


class ListsContract:
    """Subclass it with a fixture `place`."""

    @pytest.fixture
    async def profiles(self, place: Place[Store]) -> Profiles:
        return (await place.open()).profiles

    async def test_an_empty_store_has_an_empty_page(self, profiles: Profiles) -> None:
        page = await profiles.list(Query(count=Count.EXACT))
        assert (page.profiles, page.next, page.total) == ((), None, 0)

    @pytest.mark.parametrize("sort", Sort)
    @pytest.mark.parametrize("limit", [1, 3, 7, 12, 13, 1_000])
    async def test_every_order_in_pages_of_any_size(
        self, profiles: Profiles, sort: Sort, limit: int
    ) -> None:
        """Equal times and names are put in order by id, in the same direction."""
        people = [
            person(
                name=f"Name {turn % 3}",
                created_at=AT + (turn % 4) * SECOND,
                updated_at=AT - (turn % 5) * SECOND,
            )
            for turn in range(12)
        ]
        await add(profiles, *people)
        keys = {
            "created_at": lambda p: (p.created_at, p.id),
            "updated_at": lambda p: (p.updated_at, p.id),
            "name": lambda p: (p.name, p.id),
        }
        expected = sorted(people, key=keys[sort.field], reverse=sort.descending)
        assert await walk(profiles, Query(sort=sort, limit=limit)) == expected

    async def test_newest_first_is_the_default(self, profiles: Profiles) -> None:
        people = [person() for _ in range(5)]
        await add(profiles, *people)
        assert list((await profiles.list(Query())).profiles) == people[::-1]

    async def test_a_name_is_sorted_by_code_point_without_case(self, profiles: Profiles) -> None:
        names = [
            "Zoë",
            "zoe",
            "Éa",
            "éb",
            "Straße",
            "STRASSE b",
            "李",
            "Ωmega",
            "ωa",
            "a\U0001f600",
        ]
        names += ["\uff21", "_x", "0", "a b", "a-b", "Ab", "\ufffd"]
        await add(profiles, *(person(name=name) for name in names))
        found = await walk(profiles, Query(sort=Sort.NAME, limit=2))
        assert [p.name for p in found] == sorted(names, key=str.casefold)

    async def test_deleted_profiles_are_not_listed(self, profiles: Profiles) -> None:
        gone, there = person(name="Same"), person(name="Same")
        await add(profiles, gone, there)
        await write(profiles, deleted(gone))
        ids = frozenset({gone.id, there.id})
        for query in (Query(), Query(ids=ids), Query(q="same"), Query(ids=ids, q="same")):
            page = await profiles.list(replace(query, count=Count.EXACT))
            assert (page.profiles, page.total) == ((there,), 1)
        assert (await profiles.list(Query(email=gone.email))).profiles == ()

    async def test_those_of_one_owner(self, profiles: Profiles) -> None:
        """As if there were no others: in every order, in pages, counted, and with other filters."""
        mine = [person(owner="me", name=f"Mine {n % 2}") for n in range(5)]
        others = [person(owner=owner, name="Mine 0") for owner in ("Me", "me ", "you", None)]
        await add(profiles, *mine, *others, person(owner="me"))
        gone = person(owner="me")
        await add(profiles, gone)
        await write(profiles, deleted(gone))
        for count in (Count.EXACT, Count.ESTIMATED):
            query = Query(owner="me", q="mine", limit=2, count=count)
            assert (await profiles.list(query)).total == 5
            assert await walk(profiles, query) == mine[::-1]
            query = Query(owner="me", limit=4, count=count)
            assert (await profiles.list(query)).total == 6
            assert len(await walk(profiles, query)) == 6
        assert await walk(profiles, Query(owner="me", email=mine[0].email)) == [mine[0]]
        assert await walk(profiles, Query(owner="me", email=others[0].email)) == []
        ids = frozenset(p.id for p in (*mine[:2], *others))
        assert await walk(profiles, Query(owner="me", ids=ids)) == mine[1::-1]
        assert await walk(profiles, Query(owner="nobody\0")) == []

    async def test_the_total_is_counted_where_asked_for(self, profiles: Profiles) -> None:
        await add(profiles, *(person(name="Ada" if n % 3 else "Bob") for n in range(9)))
        for limit in (1, 100):
            for q, number in ((None, 9), ("ada", 6), ("nobody", 0)):
                query = Query(limit=limit, q=q)
                assert (await profiles.list(query)).total is None
                exact = await profiles.list(replace(query, count=Count.EXACT))
                assert exact.total == number
                estimate = (await profiles.list(replace(query, count=Count.ESTIMATED))).total
                assert isinstance(estimate, int)
                assert estimate >= 0

    async def test_the_total_is_that_of_all_pages(self, profiles: Profiles) -> None:
        await add(profiles, *(person() for _ in range(5)))
        query = Query(limit=2, count=Count.EXACT)
        first = await profiles.list(query)
        second = await profiles.list(replace(query, after=first.next))
        assert (first.total, second.total) == (5, 5)

    @pytest.mark.parametrize(
        ("kept", "asked"),
        [
            ("ada@example.com", "ADA@example.com"),
            ("Élan@example.com", "élan@EXAMPLE.com"),
            ("ada@bücher.example", "ada@BÜCHER.example"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ],
    )
    async def test_an_email_is_found_in_any_spelling(
        self, profiles: Profiles, kept: str, asked: str
    ) -> None:
        profile = person(email=kept)
        await add(profiles, profile, person())
        assert (await profiles.list(Query(email=asked))).profiles == (profile,)

    @pytest.mark.parametrize(
        "email", ["", "nobody@example.com", "a", "ada@example", f"x@{'ü' * 90}.de", "x@ü..de", "%"]
    )
    async def test_an_email_that_nobody_has_finds_nobody(
        self, profiles: Profiles, email: str
    ) -> None:
        await add(profiles, person(email="ada@example.com"))
        page = await profiles.list(Query(email=email, count=Count.EXACT))
        assert (page.profiles, page.total) == ((), 0)

    @pytest.mark.parametrize(
        ("q", "names"),
        [
            ("ada", ["Ada Lovelace", "Bob"]),  # Bob by his email
            ("LOVE", ["Ada Lovelace"]),
            ("e", ["Ada Lovelace", "Bob", "Zoë Straße", "100% _x_"]),
            ("ADADOMAIN", ["Bob"]),
            ("strasse", ["Zoë Straße"]),
            ("STRAßE", ["Zoë Straße"]),
            ("zo\u00cb", ["Zoë Straße"]),
            ("é.x@", ["Zoë Straße"]),
            ("x@Bücher.example", ["Zoë Straße"]),
            ("%", ["100% _x_"]),
            ("_", ["100% _x_"]),
            ("\\", []),
            ("'", []),
            ("\x00", []),
            ("", ["Ada Lovelace", "Bob", "Zoë Straße", "100% _x_"]),
            ("nobody", []),
        ],
    )
    async def test_a_text_is_looked_for_in_name_and_email(
        self, profiles: Profiles, q: str, names: list[str]
    ) -> None:
        await add(
            profiles,
            person(name="Ada Lovelace", email="countess@example.com"),
            person(name="Bob", email="bob@adadomain.example"),
            person(name="Zoë Straße", email="É.x@bücher.example"),
            person(name="100% _x_", email="percent@example.com"),
        )
        page = await profiles.list(Query(q=q, sort=Sort.OLDEST, count=Count.EXACT))
        assert [p.name for p in page.profiles] == names
        assert page.total == len(names)

    @pytest.mark.parametrize("sort", Sort)
    async def test_filters_are_combined_with_and(self, profiles: Profiles, sort: Sort) -> None:
        people = [person(name=f"{'Ada' if n % 2 else 'Bob'} {n}") for n in range(10)]
        await add(profiles, *people)
        ids = frozenset(p.id for p in people[:6]) | {new_id()}
        found = await walk(profiles, Query(ids=ids, q="ADA", sort=sort, limit=2))
        ordered = found if sort in (Sort.OLDEST, Sort.FIRST_UPDATED, Sort.NAME) else found[::-1]
        assert ordered == [people[1], people[3], people[5]]
        one = people[3]
        for query, hit in (
            (Query(email=one.email, q="ada"), True),
            (Query(email=one.email, q="bob"), False),
            (Query(email=one.email, ids=ids), True),
            (Query(email=one.email, ids=frozenset({people[1].id})), False),
            (Query(ids=frozenset()), False),
        ):
            page = await profiles.list(replace(query, sort=sort, count=Count.EXACT))
            assert page.profiles == ((one,) if hit else ())
            assert page.total == len(page.profiles)

    @pytest.mark.parametrize("sort", Sort)
    async def test_a_cursor_stands_for_a_place_not_for_a_row(
        self, profiles: Profiles, sort: Sort
    ) -> None:
        """It stays valid when its row goes."""
        people = [person() for _ in range(6)]
        await add(profiles, *people)
        page = await profiles.list(Query(sort=sort, limit=3))
        await write(profiles, deleted(page.profiles[-1]))
        rest = await profiles.list(Query(sort=sort, limit=10, after=page.next))
        assert set(page.profiles) | set(rest.profiles) == set(people)
        assert len(rest.profiles) == 3

    @pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST, Sort.NAME])
    async def test_a_walk_meets_each_row_once_while_others_come_and_go(
        self, profiles: Profiles, sort: Sort
    ) -> None:
        """All times and names are equal, so that only the ids keep rows apart."""
        same = {"name": "Same", "created_at": AT, "updated_at": AT}
        staying = [person(**same) for _ in range(150)]
        await add(profiles, *staying)
        turns, done = 0, asyncio.Event()

        async def come_and_go() -> None:
            nonlocal turns
            while not done.is_set():
                # Ids before, among and after those that stay.
                passing = person(**same, id=UUID(int=new_id().int ^ (turns % 7) << 120))
                first, *_ = (await profiles.get([staying[turns % 150].id])).values()
                await write(profiles, created(passing), updated(first, bio=str(turns)))
                await write(profiles, deleted(passing))
                turns += 1
                await asyncio.sleep(0)

        writer = asyncio.create_task(come_and_go())
        for limit in itertools.cycle((1, 7, 40)):
            met: list[UUID] = []
            query = Query(sort=sort, limit=limit)
            while True:
                page = await profiles.list(query)
                met += [p.id for p in page.profiles]
                await asyncio.sleep(0)
                if page.next is None:
                    break
                query = replace(query, after=page.next)
            assert len(met) == len(set(met))
            assert [i for i in met if i in {p.id for p in staying}] == sorted(
                (p.id for p in staying), reverse=sort.descending
            )
            if turns > 20 and limit == 40:
                break
        done.set()
        await writer
