"""What the page does with a service that refuses, waits, or is away."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support import callers
from tests.support.browser import visiting
from tests.support.http import PROFILES, created, path_of
from tests.support.processes import Server


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that asks who calls."""
    with Server(tmp_path_factory.mktemp("asking"), AUTH_MODE="token") as server:
        yield server


def test_sign_in(browser: Browser, asking: Server) -> None:
    """Asked for on 401; kept in this tab, and never in an address; left by signing out."""
    good = callers.token(asking.folder, callers.ALL)
    with asking.client(headers=callers.bearer(good)) as api:
        created(api, name="Behind a door")
    allowed = ["clipboard-read", "clipboard-write"]
    with visiting(browser, asking.url, refused=(401,), permissions=allowed) as visitor:
        page = visitor.page
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        visitor.open()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_label("Token")).to_be_focused()
        assert visitor.violations() == []
        page.get_by_label("Token").fill("pct_nonsense")
        page.get_by_role("button", name="Sign in").click()
        # Of this screen: the list stands there for a moment, until it is refused.
        expect(page.locator("main.signin").get_by_role("status")).not_to_be_empty()
        page.get_by_label("Token").fill(good)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("row").filter(has_text="Behind a door")).to_be_visible()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("row").filter(has_text="Behind a door")).to_be_visible()
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert '-H "Authorization: Bearer $TOKEN"' in copied
        assert not any(good in address for address in addresses)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.evaluate("() => sessionStorage.length + localStorage.length") <= 2
        stored = page.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}])")
        assert good not in stored


def test_the_next_one_sees_nothing_of_it(browser: Browser, asking: Server) -> None:
    """Who signs in after somebody has signed out, and may do less."""
    good = callers.token(asking.folder, callers.ALL)
    some = callers.token(asking.folder, ["tasks:read"])
    with asking.client(headers=callers.bearer(good)) as api:
        created(api, name="Secret Person")
    with visiting(browser, asking.url, refused=(401, 403)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_label("Token").fill(good)
        page.get_by_role("button", name="Sign in").click()
        row = page.get_by_role("row").filter(has_text="Secret Person")
        row.get_by_role("checkbox").click()
        page.get_by_role("grid").focus()
        page.keyboard.press("e")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token").fill(some)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="There are no profiles yet")).to_be_visible()
        assert "Secret Person" not in page.content()
        expect(page.get_by_role("region", name="selected")).to_be_hidden()


def test_what_is_no_token(browser: Browser, asking: Server) -> None:
    """A token in quotes that a word processor made: told beside the field, not as an outage."""
    with visiting(browser, asking.url, refused=(401,)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_label("Token").fill("\u201cpct_good\u201d")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("Copy it once more")
        expect(page.get_by_text("cannot be reached")).to_be_hidden()


def test_a_token_only_for_this_page(browser: Browser, asking: Server) -> None:
    good = callers.token(asking.folder, callers.ALL)
    with visiting(browser, asking.url, refused=(401,)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_label("Token").fill(good)
        page.get_by_label("Keep it").uncheck()
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Profiles", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_not_allowed(browser: Browser, asking: Server) -> None:
    """403 says which scope it takes; the rest of the page goes on."""
    some = callers.token(asking.folder, ["profiles:read"])
    with visiting(browser, asking.url, refused=(401, 403)) as visitor:
        page = visitor.page
        visitor.open("tasks")
        page.get_by_label("Token").fill(some)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("tasks:read")
        assert visitor.violations() == []
        visitor.open("system")
        expect(page.get_by_text("scope ops")).to_be_visible()
        visitor.open("tasks")
        page.get_by_role("button", name="New task").click()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("tasks:write")


def test_revoked_meanwhile(browser: Browser, asking: Server) -> None:
    """Back to the screen that asks, in the same view afterwards."""
    good = callers.token(asking.folder, callers.ALL)
    with visiting(browser, asking.url, refused=(401,)) as visitor:
        page = visitor.page
        visitor.open("tasks?status=dead")
        page.get_by_label("Token").fill(good)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="No task is dead")).to_be_visible()
        page.route("**/api/v1/tasks*", lambda route: refuse(route, 401))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.unroute("**/api/v1/tasks*")
        page.get_by_label("Token").fill(good)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="No task is dead")).to_be_visible()


def test_too_many_requests(browser: Browser, tmp_path: Path) -> None:
    """429: the page says that it waits, and then does what was asked, once."""
    with Server(tmp_path, RATE_LIMIT_WRITES="1/s,burst=1") as server, server.client() as api:
        with visiting(browser, server.url, refused=(429,)) as visitor:
            page = visitor.page
            visitor.open()
            page.get_by_role("button", name="New profile").first.click()
            page.get_by_role("dialog").get_by_label("Name").fill("Patient")
            page.get_by_role("dialog").get_by_label("Email").fill("patient@example.com")
            created(api)
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_role("dialog")).to_be_hidden()
            expect(page.get_by_role("row").filter(has_text="Patient")).to_be_visible()
        assert len(api.get(PROFILES, params={"q": "patient"}).json()) == 1


def refuse(route: Route, status: int, **headers: str) -> None:
    problem = {
        "type": "urn:profilecore:problem:unavailable",
        "title": "The service cannot answer now",
        "status": status,
        "detail": "The database does not answer.",
        "instance": "/",
        "code": "unavailable",
        "request_id": "abc",
    }
    kind = "application/problem+json"
    route.fulfill(status=status, headers=headers, content_type=kind, body=json.dumps(problem))


def test_unavailable_for_a_moment(browser: Browser, server: Server) -> None:
    """503 to a read: asked again after what Retry-After says, with a word about it."""
    left = [1, 1]

    def answer(route: Route) -> None:
        if left:
            left.pop()
            refuse(route, 503, **{"Retry-After": "1"})
        else:
            route.continue_()

    with visiting(browser, server.url, refused=(503,)) as visitor:
        visitor.page.route(f"**{PROFILES}?*", answer)
        visitor.open()
        expect(visitor.page.get_by_text("too much to do")).to_be_visible()
        expect(visitor.page.get_by_text("too much to do")).to_be_hidden()
        empty = visitor.page.get_by_text("no profiles")
        expect(visitor.page.get_by_role("grid").or_(empty)).to_be_visible()
    assert left == []


def test_unavailable_for_long(browser: Browser, server: Server) -> None:
    """Then the problem stands there, with a button."""
    with visiting(browser, server.url, refused=(503,)) as visitor:
        page = visitor.page
        page.route(f"**{PROFILES}?*", lambda route: refuse(route, 503, **{"Retry-After": "300"}))
        # Nor does the feed: once it is there, the list is read anew without a click.
        page.route("**/api/v1/events", lambda route: refuse(route, 503))
        visitor.open()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The database does not answer.")
        expect(alert).to_contain_text("abc")
        assert visitor.violations() == []
        page.unroute(f"**{PROFILES}?*")
        page.get_by_role("button", name="Try again").click()
        expect(alert).to_be_hidden()


def test_a_write_of_which_nobody_knows(browser: Browser, server: Server, api: httpx.Client) -> None:
    """An answer that is lost: made once all the same, since it is sent again under its key."""
    with visiting(browser, server.url, refused=(503,)) as visitor:
        page = visitor.page
        visitor.open()
        first = [1]

        def lose(route: Route) -> None:
            response = route.fetch()
            if route.request.method == "POST" and first:
                first.pop()
                refuse(route, 503, **{"Retry-After": "1"})
            else:
                route.fulfill(response=response)

        page.route(f"**{PROFILES}", lose)
        page.get_by_role("button", name="New profile").first.click()
        page.get_by_role("dialog").get_by_label("Name").fill("Only Once")
        page.get_by_role("dialog").get_by_label("Email").fill("once@example.com")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
    assert first == []
    assert len(api.get(PROFILES, params={"q": "only once"}).json()) == 1


@pytest.fixture
def lost_change(browser: Browser, server: Server, api: httpx.Client) -> Iterator[tuple[Page, str]]:
    """A change of a name that was stored, and whose answer was lost; and the profile's path."""
    path = path_of(created(api, name="Before"))
    first = [1]

    def lose(route: Route) -> None:
        if route.request.method == "PUT" and first:
            first.pop()
            route.fetch()
            route.abort()
        else:
            route.continue_()

    with visiting(browser, server.url, refused=(412,), cut=True) as visitor:
        page = visitor.page
        page.route(f"**{path}", lose)
        visitor.open(f"profiles/{path.rsplit('/', 1)[1]}")
        page.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("After")
        page.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_contain_text("does not answer")
        yield page, path


def test_ones_own_change_is_no_conflict(lost_change: tuple[Page, str], api: httpx.Client) -> None:
    page, path = lost_change
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("After")
    assert api.get(path).json()["profile"]["version"] == 2


def test_ones_own_change_is_gone_on_from(lost_change: tuple[Page, str], api: httpx.Client) -> None:
    page, path = lost_change
    page.get_by_role("dialog").get_by_label("Bio").fill("And more")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    stored = api.get(path).json()["profile"]
    assert (stored["name"], stored["bio"], stored["version"]) == ("After", "And more", 3)


def test_the_change_of_another_is_a_conflict(
    lost_change: tuple[Page, str], api: httpx.Client
) -> None:
    """Also where it came on top of the change whose answer was lost."""
    page, path = lost_change
    api.put(path, json={"name": "Somebody else's"}).raise_for_status()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Two versions")).to_be_visible()
    assert api.get(path).json()["profile"]["name"] == "Somebody else's"


def test_a_failure_stays_until_there_is_an_answer(browser: Browser, server: Server) -> None:
    """Nobody reaches for a button that goes away and comes back."""
    held: list[Route] = []

    def refused(route: Route) -> None:
        refuse(route, 503, **{"Retry-After": "300"})

    def hold(route: Route) -> None:
        held.append(route)

    with visiting(browser, server.url, refused=(503,), cut=True) as visitor:
        page = visitor.page
        page.route(f"**{PROFILES}?*", refused)
        visitor.open("profiles?q=nobody")
        again = page.get_by_role("button", name="Try again")
        expect(again).to_be_visible()
        page.route(f"**{PROFILES}?*", hold)
        again.click()
        expect(page.get_by_role("alert")).to_have_attribute("aria-busy", "true")
        expect(again).to_be_visible()
        held[-1].continue_()  # those before it were cancelled
        expect(again).to_be_hidden()


def test_slow_searches_do_not_overtake(browser: Browser, server: Server, api: httpx.Client) -> None:
    """The answer to an older search, however late, is not shown."""
    created(api, name="Slowpoke")
    created(api, name="Slow and quick")
    held: list[Route] = []

    def answer(route: Route) -> None:
        if "q=slow&" in f"{route.request.url}&":
            held.append(route)
        else:
            route.continue_()

    with visiting(browser, server.url, cut=True) as visitor:
        page = visitor.page
        page.route(f"**{PROFILES}?*", answer)
        visitor.open()
        search = page.get_by_role("searchbox")
        search.fill("slow")
        for _ in range(100):
            page.wait_for_timeout(100)
            if held:  # perhaps twice: the list is read anew for whatever else has changed
                break
        assert held
        search.fill("slowpoke")
        expect(page.get_by_role("row")).to_have_count(2)
        for route in held:
            assert route.request.failure is not None  # it was cancelled
        expect(page.get_by_role("row").nth(1)).to_contain_text("Slowpoke")


def test_refused_deletion(browser: Browser, server: Server, api: httpx.Client) -> None:
    """412 on a row that has changed meanwhile: it stays, and why is said."""
    profile = created(api, name="Stubborn")
    with visiting(browser, server.url, refused=(412,)) as visitor:
        page = visitor.page
        visitor.open("profiles?q=stubborn")
        row = page.get_by_role("row").filter(has_text="Stubborn")
        expect(row).to_be_visible()
        page.route(f"**{PROFILES}?ids=*", lambda route: route.continue_())

        def stale(route: Route) -> None:
            headers = {**route.request.headers, "if-match": '"v99"'}
            route.continue_(headers=headers)

        page.route(f"**{path_of(profile)}", stale)
        page.get_by_role("grid").focus()
        page.keyboard.press("Delete")
        expect(page.get_by_role("status").filter(has_text="is at version 1")).to_be_visible()
        expect(row).to_be_visible()
