"""GET /profiles: its parameters, its pages, and a walk while rows come and go."""

import random
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.http import PROFILES, created, path_of, person, place, problem, walked
from tests.support.processes import Server, serving

PEOPLE = 25
SORTS = ["-created_at", "created_at", "-updated_at", "updated_at", "name"]


@pytest.fixture(scope="module")
def people(api: httpx.Client) -> list[dict[str, Any]]:
    """Profiles in the order of their making; some share a name."""
    names = ["Zoë", "adam", "Ädam", "Bob", "bob", "李", "\U0001f600"]
    return [created(api, name=f"{names[n % 7]} Listed", bio=str(n)) for n in range(PEOPLE)]


def ids(profiles: list[dict[str, Any]]) -> list[str]:
    return [profile["id"] for profile in profiles]


def test_list(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles → 200, a bare JSON array, newest first."""
    response = api.get(PROFILES)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == people[::-1]
    assert "link" not in response.headers
    assert "x-total-count" not in response.headers


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 1000])
def test_limit_and_link(api: httpx.Client, people: list[dict[str, Any]], limit: int) -> None:
    """GET /profiles ?limit=1..1000: Link: <…>; rel="next" while there is more."""
    pages = list(walked(api, limit=limit))
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert [profile for page in pages for profile in page] == people[::-1]
    assert len(pages) == -(-PEOPLE // limit)


def test_default_limit_is_100(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles ?limit=1..1000 (100)."""
    batch = api.post(f"{PROFILES}/batch", json={"create": [person() for _ in range(100)]}).json()
    response = api.get(PROFILES)
    assert len(response.json()) == 100
    assert "next" in response.links
    gone = {"delete": [item["profile"]["id"] for item in batch]}
    api.post(f"{PROFILES}/batch", json=gone)
    assert api.get(PROFILES).json() == people[::-1]


def test_link_keeps_the_parameters(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles: the Link is the same list, from another place."""
    params = {"limit": "3", "sort": "name", "q": "listed", "count": "exact"}
    response = api.get(PROFILES, params=params)
    link = response.headers["link"]
    assert link.startswith(f"<{PROFILES}?")
    assert link.endswith('>; rel="next"')
    query = parse_qs(urlsplit(response.links["next"]["url"]).query, strict_parsing=True)
    (cursor,) = query.pop("cursor")
    assert query == {name: [value] for name, value in params.items()}
    following = api.get(response.links["next"]["url"])
    again = parse_qs(urlsplit(following.links["next"]["url"]).query)
    assert len(again["cursor"]) == 1
    assert again["cursor"] != [cursor]


@pytest.mark.parametrize("sort", SORTS)
def test_sort(api: httpx.Client, people: list[dict[str, Any]], sort: str) -> None:
    """GET /profiles ?sort=-created_at|created_at|-updated_at|updated_at|name, pages included."""
    listed = [profile for page in walked(api, sort=sort, limit=4) for profile in page]
    ordered = sorted(people, key=lambda p: place(p, sort), reverse=sort.startswith("-"))
    assert listed == ordered


def test_filter_by_email(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles ?email=: exactly that one, without regard to case."""
    wanted = people[3]
    assert api.get(PROFILES, params={"email": wanted["email"].upper()}).json() == [wanted]
    assert api.get(PROFILES, params={"email": wanted["email"][1:]}).json() == []
    assert api.get(PROFILES, params={"email": "no address"}).json() == []


def test_filter_by_q(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles ?q=: anywhere in name or email, without regard to case."""
    found = api.get(PROFILES, params={"q": "ÄDAM"}).json()
    assert found == [profile for profile in people[::-1] if "Ädam" in profile["name"]]
    mail = people[5]["email"]
    assert api.get(PROFILES, params={"q": mail.upper()}).json() == [people[5]]
    assert api.get(PROFILES, params={"q": "%"}).json() == []
    assert api.get(PROFILES, params={"q": "_"}).json() == []


def test_filter_by_ids(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles ?ids=a,b,… (≤ 100): those that are there, in the list's order."""
    unknown = "0198c5a0-0000-7000-8000-000000000000"
    wanted = ",".join([people[9]["id"], unknown, people[2]["id"], people[9]["id"]])
    assert api.get(PROFILES, params={"ids": wanted}).json() == [people[9], people[2]]
    upper = people[4]["id"].upper()
    assert api.get(PROFILES, params={"ids": upper}).json() == [people[4]]
    hundred = ",".join([people[0]["id"]] * 100)
    assert api.get(PROFILES, params={"ids": hundred}).status_code == 200


def test_filters_are_combined(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles: filters are combined with "and"."""
    one, other = people[0], people[1]
    both = {"ids": f"{one['id']},{other['id']}", "email": one["email"]}
    assert api.get(PROFILES, params=both).json() == [one]
    assert api.get(PROFILES, params=both | {"q": "nobody"}).json() == []


@pytest.mark.parametrize("count", ["exact", "estimated"])
def test_count(api: httpx.Client, people: list[dict[str, Any]], count: str) -> None:
    """GET /profiles ?count=none|estimated|exact: X-Total-Count where asked for."""
    response = api.get(PROFILES, params={"count": count, "limit": 2})
    assert response.headers["x-total-count"] == str(PEOPLE)
    bobs = api.get(PROFILES, params={"count": count, "q": "bob", "limit": 1})
    assert bobs.headers["x-total-count"] == str(sum("ob L" in p["name"] for p in people))
    assert "x-total-count" not in api.get(PROFILES, params={"count": "none"}).headers


def test_a_cursor_outlives_its_row(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """GET /profiles: the cursor is stable while rows come and go, its own row included."""
    extra = created(api)
    first = api.get(PROFILES, params={"limit": 1})
    assert first.json() == [extra]
    api.delete(path_of(extra))
    assert api.get(first.links["next"]["url"]).json() == [people[-1]]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    with serving(tmp_path_factory.mktemp("busy"), LOG_LEVEL="warning") as pair:
        yield pair


class Coming(threading.Thread):
    """Adds and removes profiles until told to stop."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__()
        self._server = server
        self._random = random.Random(seed)
        self._over = threading.Event()
        self.changes = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        mine: list[dict[str, Any]] = []
        try:
            with self._server.client() as client:
                while not self._over.is_set():
                    if len(mine) < 20 or self._random.random() < 0.5:
                        name = f"{chr(self._random.randint(97, 122))} comes and goes"
                        mine.append(created(client, name=name))
                    else:
                        profile = mine.pop(self._random.randrange(len(mine)))
                        assert client.delete(path_of(profile)).status_code == 204
                    self.changes += 1
        except BaseException as failure:
            self.failure = failure

    def __enter__(self) -> "Coming":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "name"])
def test_walk_while_rows_come_and_go(busy: tuple[Server, httpx.Client], sort: str) -> None:
    """GET /profiles: the cursor is keyset: who stays is listed exactly once, in order."""
    server, client = busy
    staying = {created(client, name=f"{chr(97 + n % 26)} stays")["id"] for n in range(150)}
    with Coming(server, seed=len(sort)) as coming:
        walks = 0
        while walks < 3 or coming.changes < 30:
            walks += 1
            seen = [profile for page in walked(client, sort=sort, limit=7) for profile in page]
            counted = [profile["id"] for profile in seen if profile["id"] in staying]
            assert sorted(counted) == sorted(staying)
            assert len({profile["id"] for profile in seen}) == len(seen)
            places = [place(profile, sort) for profile in seen]
            assert places == sorted(places, reverse=sort.startswith("-"))
            assert coming.failure is None


def test_the_same_cursor_gives_the_same_page(
    api: httpx.Client, people: list[dict[str, Any]]
) -> None:
    """GET /profiles: the cursor may be used again."""
    link = api.get(PROFILES, params={"limit": 5, "sort": "name"}).links["next"]["url"]
    assert api.get(link).json() == api.get(link).json()


def test_two_of_one_parameter(api: httpx.Client, people: list[dict[str, Any]]) -> None:
    """A parameter that is given twice is no server error, whichever counts."""
    response = api.get(f"{PROFILES}?limit=1&limit=2")
    if response.status_code == 200:
        assert len(response.json()) in (1, 2)
    else:
        problem(response, 400, "malformed")
