"""Any Profiles and Log pair, played against a dict and a list."""

import asyncio
from abc import abstractmethod
from collections.abc import Collection, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from profilecore import rules
from profilecore.errors import NotFound, ProfilecoreError
from profilecore.event import Change, Event, EventType
from profilecore.identifiers import new_id
from profilecore.paging import Count, Query, Sort
from profilecore.profile import Profile
from profilecore.receipt import Mark, Receipt, Repeated
from profilecore.testing.places import Place, Store, Traits
from profilecore.testing.samples import AT

T = TypeVar("T")

OWNER = "o"

# Few of each, so that they meet.
names = st.sampled_from(["Ada", "ada", "Bob", "Zoë Straße", "STRASSE", "李", "a%_b"])
emails = st.sampled_from(
    ["a@x.de", "A@X.de", "b@x.de", "é@x.de", "É@X.DE", "a@bücher.de", "a@xn--bcher-kva.de"]
    + [f"{letter}@x.de" for letter in "cdefgh"]
)
times = st.integers(0, 5).map(lambda n: AT + timedelta(microseconds=n))
values = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "email": emails,
        "bio": st.sampled_from(["", "bio"]),
        "image_urls": st.sampled_from([[], ["https://example.com/a.png"]]),
    },
)


class StoreMachine(RuleBasedStateMachine):
    """Subclass it with `traits` and `make_place`; its `TestCase` is the test."""

    traits: Traits

    @abstractmethod
    def make_place(self) -> Place[Store]: ...

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.place = self.make_place()
        self.store = self.run(self.place.open())
        self.forget()

    def teardown(self) -> None:
        self.run(self.place.close())
        self.runner.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def forget(self) -> None:
        self.rows: dict[Any, Profile] = {}
        self.events: list[Event] = []
        self.trimmed = 0
        self.kept: dict[str | None, tuple[Mark, ...]] = {}

    # The model

    def refusal(self, rows: dict[Any, Profile], change: Change) -> str | None:
        """The code with which a store has to refuse a change to these rows."""
        new, old = change.profile, rows.get(change.profile.id)
        if change.replaces == 0 and old is not None:
            return "id_taken"
        if change.replaces != (old.version if old else 0):
            return "stale_version"
        for other in rows.values():
            same = rules.email_key(other.email) == rules.email_key(new.email)
            if same and other.id != new.id and not other.deleted_at and not new.deleted_at:
                return "email_taken"
        return None

    def draw_change(self, data: st.DataObject, at: datetime) -> Change:
        """A change that may be right, late, or nonsense."""
        known = sorted(self.rows.values(), key=lambda p: p.id)
        kind = data.draw(st.sampled_from(["create", "update", "update", "flip", "twin"]))
        given = data.draw(values)
        if not known or kind in ("create", "twin"):
            twin = bool(known) and kind == "twin"
            id_ = data.draw(st.sampled_from(known)).id if twin else new_id()
            fresh = {"name": data.draw(names), "email": data.draw(emails)} | given
            return Change(EventType.CREATED, Profile.created(fresh, id=id_, owner=OWNER, at=at), 0)
        old = data.draw(st.sampled_from(known))
        stale = data.draw(st.sampled_from([0, 0, 0, 1]))
        if kind == "flip" and old.deleted_at is None:
            return Change(EventType.DELETED, old.removed(at=at), old.version + stale)
        if kind == "flip":
            return Change(EventType.RESTORED, old.restored(at=at), old.version + stale)
        actor = data.draw(st.sampled_from(["actor", OWNER]))
        return Change(EventType.UPDATED, old.revised(given, at=at), old.version + stale, actor)

    def remove(self, gone: Collection[Any]) -> None:
        """What is to be left of profiles that are gone for good."""
        self.rows = {i: p for i, p in self.rows.items() if i not in gone}
        self.events = [_bare(e) if e.profile_id in gone else e for e in self.events]

    # The rules

    @rule(
        data=st.data(),
        number=st.integers(1, 5),
        atomic=st.booleans(),
        at=times,
        key=st.sampled_from([None] * 6 + list("abcdef")),
    )
    def write(
        self, data: st.DataObject, number: int, atomic: bool, at: datetime, key: str | None
    ) -> None:
        changes = [self.draw_change(data, at) for _ in range(number)]
        receipt = None if key is None else Receipt.of("me", "POST", key)
        rows, codes = dict(self.rows), list[str | None]()
        for change in changes:
            codes.append(self.refusal(rows, change))
            if codes[-1] is None:
                rows[change.profile.id] = change.profile
        try:
            outcomes = self.run(self.store.profiles.write(changes, atomic=atomic, receipt=receipt))
        except Repeated as repeated:
            assert repeated.kept.marks == self.kept[key]  # noqa: PT017 - either end will do
            return
        except ProfilecoreError as error:
            assert atomic
            assert key not in self.kept
            first = next(index for index, code in enumerate(codes) if code)
            assert (error.item, error.code) == (first, codes[first])  # noqa: PT017 - either end will do
            return
        assert not (atomic and any(codes))
        assert key not in self.kept
        assert [None if isinstance(o, Event) else o.code for o in outcomes] == codes
        self.rows = rows
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, Event):
                assert outcome == change.event(outcome.position)
                if change.profile.deleted_at is None:
                    assert outcome.profile() == change.profile
                assert outcome.position > (self.events[-1].position if self.events else 0)
                self.events.append(outcome)
        if key is not None and not all(codes):
            self.kept[key] = tuple(c.mark(o) for c, o in zip(changes, outcomes, strict=True))

    @rule(
        data=st.data(),
        sort=st.sampled_from(Sort),
        limit=st.integers(1, 5),
        email=st.none() | emails | st.just("x@ü..de"),
        q=st.none() | st.sampled_from(["", "A", "strasse", "%", "É@", "@x", "bücher", "xn--"]),
        some=st.booleans(),
    )
    def list_all(
        self,
        data: st.DataObject,
        sort: Sort,
        limit: int,
        email: str | None,
        q: str | None,
        some: bool,
    ) -> None:
        known = sorted(self.rows)
        ids = None
        if some:
            ids = frozenset(data.draw(st.lists(st.sampled_from(known)))) if known else frozenset()
        query = Query(
            limit=limit,
            sort=sort,
            email=email,
            q=q,
            ids=ids,
            count=data.draw(st.sampled_from(Count)),
        )
        expected = self.listed(query)
        found: list[Profile] = []
        while True:
            page = self.run(self.store.profiles.list(query))
            found += page.profiles
            assert len(page.profiles) <= limit
            assert (page.total is None) == (query.count is Count.NONE)
            assert query.count is not Count.EXACT or page.total == len(expected)
            if page.next is None:
                break
            query = replace(query, after=page.next)
        assert found == expected

    def listed(self, query: Query) -> list[Profile]:
        def hit(p: Profile) -> bool:
            q = query.q or ""
            in_name = q.casefold() in p.name.casefold()
            in_email = q.lower() in rules.email_key(p.email)
            return (
                p.deleted_at is None
                and (query.ids is None or p.id in query.ids)
                and (query.email is None or _key(query.email) == rules.email_key(p.email))
                and (in_name or in_email)
            )

        def key(p: Profile) -> Any:
            value = getattr(p, query.sort.field)
            return (value.casefold() if isinstance(value, str) else value, p.id)

        return sorted(filter(hit, self.rows.values()), key=key, reverse=query.sort.startswith("-"))

    @rule(data=st.data(), limit=st.integers(1, 10))
    def read(self, data: st.DataObject, limit: int) -> None:
        newest = self.events[-1].position if self.events else 0
        edges = {0, self.trimmed - 1, self.trimmed, self.trimmed + 2, newest - 2, newest}
        after = data.draw(st.sampled_from(sorted({max(edge, 0) for edge in edges} | {newest + 1})))
        try:
            events = self.run(self.store.log.read(after, limit))
        except NotFound:
            assert not self.trimmed <= after <= newest
        else:
            assert list(events) == [e for e in self.events if e.position > after][:limit]
            assert self.trimmed <= after <= newest

    @rule(data=st.data(), before=st.none() | st.integers(1, 60), limit=st.integers(1, 10))
    def history(self, data: st.DataObject, before: int | None, limit: int) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.rows) or [new_id()]))
        found = self.run(self.store.log.history(id_, before, limit))
        own = [e for e in reversed(self.events) if e.profile_id == id_]
        assert list(found) == [e for e in own if before is None or e.position < before][:limit]

    @rule(at=times)
    def purge(self, at: datetime) -> None:
        gone = {p.id for p in self.rows.values() if p.deleted_at and p.deleted_at < at}
        assert self.run(self.store.profiles.purge(at)) == len(gone)
        self.remove(gone)

    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        known = sorted({event.profile_id for event in self.events} | self.rows.keys())
        some = data.draw(st.lists(st.sampled_from(known))) if known else []
        gone = {i for i in some if i not in self.rows or self.rows[i].deleted_at}
        there = gone & self.rows.keys()
        assert self.run(self.store.profiles.erase(some)) == len(there)
        self.remove(gone)

    @rule(at=times)
    def trim(self, at: datetime) -> None:
        trimmed = 0
        while len(self.events) > 1 and self.events[0].at < at:
            self.trimmed = self.events.pop(0).position
            trimmed += 1
        assert self.run(self.store.log.trim(at)) == trimmed

    @precondition(lambda self: self.traits.durable or len(self.events) > 25)
    @rule()
    def reopen(self) -> None:
        self.run(self.place.close())
        self.store = self.run(self.place.open())
        if not self.traits.durable:
            self.forget()

    @invariant()
    def rows_and_position_agree(self) -> None:
        assert self.run(self.store.profiles.get([*self.rows, new_id()])) == self.rows
        newest = self.events[-1].position if self.events else 0
        assert self.run(self.store.log.position()) == newest


def _bare(event: Event) -> Event:
    return replace(event, data={}, actor=None if event.actor == OWNER else event.actor)


def _key(email: str) -> str | None:
    try:
        return rules.email_key(email)
    except UnicodeError:
        return None


def played(machine: type[StoreMachine], examples: int = 80) -> Any:
    """What pytest runs."""
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    return case
