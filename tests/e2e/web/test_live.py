"""The page follows what others do, and says when it cannot."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Request, expect

from tests.support.browser import Visitor, visiting
from tests.support.http import created, path_of
from tests.support.ports import free_port
from tests.support.processes import Server
from tests.support.tasks import submitted


def test_the_list_follows(visitor: Visitor, api: httpx.Client) -> None:
    page = visitor.page
    visitor.open()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    profile = created(api, name="Came Later")
    row = page.get_by_role("row").filter(has_text="Came Later")
    expect(row).to_be_visible()
    api.put(path_of(profile), json={"name": "Renamed Later"}).raise_for_status()
    expect(page.get_by_role("row").filter(has_text="Renamed Later")).to_be_visible()
    expect(row).to_have_count(0)
    api.delete(path_of(profile)).raise_for_status()
    expect(page.get_by_role("row").filter(has_text="Renamed Later")).to_have_count(0)


TASKS_OF_PAGE = re.compile(r"/api/v1/tasks\?")


def test_the_tasks_follow(visitor: Visitor, api: httpx.Client) -> None:
    """By the feed: what looks every other second is switched off here."""
    page = visitor.page
    page.add_init_script("window.setInterval = () => 0")
    listed = page.expect_response
    with listed(TASKS_OF_PAGE):
        visitor.open("tasks")
    with listed(TASKS_OF_PAGE):  # anew, now that it follows
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    submitted(api)
    row = page.get_by_role("row").filter(has_text="echo").first
    expect(row).to_contain_text("succeeded", ignore_case=True)


def test_no_jump_further_down(visitor: Visitor, api: httpx.Client) -> None:
    """Who has scrolled is told of new rows, and sees them when asking for them."""
    many = [{"name": f"Row {n}", "email": f"row{n}@example.com"} for n in range(150)]
    api.post("/api/v1/profiles/batch", json={"create": many}).raise_for_status()
    page = visitor.page
    visitor.open()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.wait_for_timeout(1500)  # until it has been read anew
    grid = page.get_by_role("grid")
    grid.evaluate("grid => { grid.scrollTop = 2000 }")
    created(api, name="Above")
    page.get_by_role("button", name="1 change: show").click()
    grid.evaluate("grid => { grid.scrollTop = 0 }")
    expect(page.get_by_role("row").filter(has_text="Above")).to_be_visible()


def test_cut_and_restored(browser: Browser, tmp_path: Path) -> None:
    """Killed and started again: offline is said, and what was missed is shown, without a reload."""
    port = str(free_port())
    with Server(tmp_path, SERVER_PORT=port) as server, server.client() as api:
        created(api, name="Before")
        with visiting(browser, server.url, cut=True) as visitor:
            page = visitor.page
            asked: list[Request] = []

            def note(request: Request) -> None:
                asked.append(request)

            page.on("request", note)
            visitor.open()
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
            profile = created(api, name="The last one seen")
            expect(page.get_by_role("row").filter(has_text="The last one seen")).to_be_visible()
            server.kill()
            expect(page.get_by_text("The service cannot be reached")).to_be_visible()
            expect(page.get_by_text("Not live")).to_be_visible()
            expect(page.get_by_role("row").filter(has_text="The last one seen")).to_be_visible()
            page.get_by_role("button", name="Try now").click()
            expect(page.get_by_text("The service cannot be reached")).to_be_visible()
            assert visitor.violations() == []
            with Server(tmp_path, SERVER_PORT=port) as again, again.client() as client:
                client.delete(path_of(profile)).raise_for_status()
                created(client, name="Missed")
                expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=30_000)
                expect(page.get_by_role("row").filter(has_text="Missed")).to_be_visible()
                expect(page.get_by_role("row").filter(has_text="last one seen")).to_have_count(0)
                expect(page.get_by_text("cannot be reached")).to_be_hidden()
            streams = [one for one in asked if one.url.endswith("/api/v1/events")]
            assert streams[0].headers.get("last-event-id") is None
            assert int(streams[-1].headers["last-event-id"]) >= 2


def test_another_store_behind_the_same_address(browser: Browser, tmp_path: Path) -> None:
    """410: the position is of no use there, and the list is read anew."""
    port = str(free_port())
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with (
        Server(tmp_path / "one", SERVER_PORT=port) as server,
        server.client() as api,
        visiting(browser, server.url, cut=True, refused=(410,)) as visitor,
    ):
        page = visitor.page
        visitor.open()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        for number in range(5):
            created(api, name=f"Old {number}")
        expect(page.get_by_role("row").filter(has_text="Old 4")).to_be_visible()
        server.kill()
        with Server(tmp_path / "other", SERVER_PORT=port) as again, again.client() as client:
            created(client, name="Of the other")
            expect(page.get_by_role("row").filter(has_text="Of the other")).to_be_visible()
            expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)
            created(client, name="New there")
            expect(page.get_by_role("row").filter(has_text="New there")).to_be_visible()
            expect(page.get_by_role("row").filter(has_text="Old")).to_have_count(0)
