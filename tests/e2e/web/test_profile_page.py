"""One profile: what it shows, and what happens where two people have it open."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from tests.support.browser import PHONE, Visitor, held, visiting
from tests.support.http import created, path_of
from tests.support.processes import Server


def opened(visitor: Visitor, profile: dict[str, Any]) -> Page:
    visitor.open(f"profiles/{profile['id']}")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(profile["name"])
    expect(visitor.page.get_by_text("Live", exact=True)).to_be_visible()
    return visitor.page


def edited(page: Page, **fields: str) -> None:
    page.get_by_role("button", name="Edit").click()
    for label, value in fields.items():
        page.get_by_role("dialog").get_by_label(label).fill(value)


def test_two_people_edit_the_same(browser: Browser, server: Server, api: httpx.Client) -> None:
    """The second one is told, sees both versions, and chooses for each field."""
    profile = created(api, name="Ada Lovelace", bio="The daughter of a poet")
    with (
        visiting(browser, server.url) as first,
        visiting(browser, server.url, refused=(412,)) as second,
    ):
        slow = opened(second, profile)
        edited(slow, Name="Ada King", Bio="Countess")
        quick = opened(first, profile)
        edited(quick, Name="A. Lovelace")
        quick.get_by_role("button", name="Save").click()
        expect(quick.get_by_role("heading", level=1)).to_have_text("A. Lovelace")
        panel = slow.get_by_role("dialog")
        expect(panel.get_by_role("alert")).to_contain_text("you will see both versions")
        panel.get_by_role("button", name="Save").click()
        expect(panel).to_contain_text("Stored now (version 2)")
        expect(slow.locator("h1")).to_have_text("A. Lovelace")
        expect(panel.get_by_role("group", name="Name")).to_contain_text("A. Lovelace")
        expect(panel.get_by_role("group", name="Name")).to_contain_text("Ada King")
        assert second.violations() == []
        panel.get_by_role("group", name="Name").get_by_role("radio").first.check()
        panel.get_by_role("button", name="Save what is chosen").click()
        expect(panel).to_be_hidden()
        expect(slow.get_by_role("heading", level=1)).to_have_text("A. Lovelace")
        expect(quick.get_by_text("Countess").first).to_be_visible()
    found = api.get(path_of(profile)).json()["profile"]
    assert (found["name"], found["bio"], found["version"]) == ("A. Lovelace", "Countess", 3)


def test_changed_again_while_choosing(browser: Browser, server: Server, api: httpx.Client) -> None:
    """Another 412, and the newest version stands beside one's own."""
    profile = created(api, name="Again")
    with visiting(browser, server.url, refused=(412,)) as visitor:
        page = opened(visitor, profile)
        edited(page, Name="Mine")
        api.put(path_of(profile), json={"name": "Theirs"}).raise_for_status()
        page.get_by_role("button", name="Save").click()
        panel = page.get_by_role("dialog")
        expect(panel).to_contain_text("version 2")
        api.put(path_of(profile), json={"name": "Theirs too"}).raise_for_status()
        panel.get_by_role("button", name="Save what is chosen").click()
        expect(panel).to_contain_text("Theirs too")
        panel.get_by_role("button", name="Save what is chosen").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Mine")


def test_deleted_by_somebody_else(visitor: Visitor, api: httpx.Client) -> None:
    """Told at once, in the panel too; and it can be brought back from here."""
    profile = created(api, name="Short Lived")
    reads = visitor.reads_of(path_of(profile))
    page = opened(visitor, profile)
    while len(reads) < 2:  # who begins to follow reads once more, and would find nothing
        page.wait_for_timeout(50)
    edited(page, Bio="Too late")
    api.delete(path_of(profile)).raise_for_status()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("alert")).to_contain_text("deleted by somebody else")
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Discard").click()
    expect(panel).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("was deleted")
    expect(page.get_by_role("button", name="Edit")).to_be_disabled()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert api.get(path_of(profile)).status_code == 200


def test_saved_after_it_was_deleted(browser: Browser, server: Server, api: httpx.Client) -> None:
    """404 on saving: said in the panel, with a way back; nothing that was typed is lost."""
    profile = created(api, name="Gone")
    with visiting(browser, server.url, refused=(404, 412)) as visitor:
        visitor.page.route("**/api/v1/events", lambda route: route.abort())
        visitor.faults.clear()
        visitor.open(f"profiles/{profile['id']}")
        edited(visitor.page, Bio="Too late")
        api.delete(path_of(profile)).raise_for_status()
        panel = visitor.page.get_by_role("dialog")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("alert")).to_contain_text("deleted by somebody else")
        expect(panel.get_by_label("Bio")).to_have_value("Too late")
        visitor.faults = [f for f in visitor.faults if "api/v1/events" not in f]


def test_there_is_none(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, refused=(404,)) as visitor:
        visitor.open("profiles/01a204d6-1f05-79bc-a47b-709afa94b9d8")
        expect(visitor.page.get_by_role("alert").first).to_contain_text("no such profile")
        assert visitor.violations() == []


def test_unsaved_changes_are_asked_for(visitor: Visitor, api: httpx.Client) -> None:
    page = opened(visitor, created(api, name="Careful"))
    edited(page, Bio="Half a thought")
    page.keyboard.press("Escape")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("alert")).to_contain_text("not saved")
    panel.get_by_role("button", name="Go on editing").click()
    expect(panel.get_by_label("Bio")).to_have_value("Half a thought")
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Discard").click()
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Edit")).to_be_focused()


def test_an_answer_that_was_overtaken(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api, name="First")
    page = opened(visitor, profile)
    page.wait_for_timeout(1500)  # who begins to follow reads once more
    late: list[tuple[Route, APIResponse]] = []
    page.route(f"**{path_of(profile)}", lambda route: late.append((route, route.fetch())), times=1)
    api.put(path_of(profile), json={"name": "Second"}).raise_for_status()
    while not late:
        page.wait_for_timeout(50)
    api.put(path_of(profile), json={"name": "Third"}).raise_for_status()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Third")
    route, answer = late[0]
    route.fulfill(response=answer)
    page.wait_for_timeout(300)
    expect(heading).to_have_text("Third")


def test_deleted_while_elsewhere(visitor: Visitor, api: httpx.Client) -> None:
    """Whoever has gone on to another view stays there."""
    profile = created(api, name="Slowly Gone")
    page = opened(visitor, profile)
    deletions = held(page, path_of(profile), "DELETE")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("link", name="Tasks").click()
    deletions[0].continue_()
    expect(page.get_by_text("Slowly Gone was deleted")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")


def test_history_with_differences(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api, name="Storied", bio="one two three")
    api.put(path_of(profile), json={"bio": "one 2 three"}).raise_for_status()
    api.delete(path_of(profile)).raise_for_status()
    api.post(f"{path_of(profile)}/restore").raise_for_status()
    page = opened(visitor, profile)
    entries = page.get_by_role("region", name="History").get_by_role("listitem")
    expect(entries).to_have_count(4)
    for number, word in enumerate(("Brought back", "Deleted", "Changed", "Created")):
        expect(entries.nth(number)).to_contain_text(word)
    expect(entries.nth(2).locator("del")).to_have_text("two ")
    expect(entries.nth(2).locator("ins")).to_have_text("2 ")


def test_a_long_history(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api, name="Long")
    for number in range(55):
        api.put(path_of(profile), json={"bio": str(number)}).raise_for_status()
    page = opened(visitor, profile)
    region = page.get_by_role("region", name="History")
    expect(region.get_by_role("listitem")).to_have_count(50)
    older = region.get_by_role("button", name="Show older ones")
    older.evaluate("button => { button.click(); button.click(); }")
    page.wait_for_timeout(500)
    expect(region.get_by_role("listitem")).to_have_count(56)


def test_export(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api, name="Exported")
    page = opened(visitor, profile)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export everything").click()
    document = json.loads(Path(download.value.path()).read_text())
    assert document["profile"]["id"] == profile["id"]
    assert download.value.suggested_filename == f"profile-{profile['id']}.json"


def test_erase_takes_a_typed_word(browser: Browser, server: Server, api: httpx.Client) -> None:
    profile = created(api, name="Forgotten")
    with visiting(browser, server.url, refused=(404,)) as visitor:
        page = opened(visitor, profile)
        page.get_by_role("button", name="Erase everything").click()
        panel = page.get_by_role("dialog")
        sure = panel.get_by_role("button", name="Erase for good")
        expect(sure).to_be_disabled()
        panel.get_by_role("textbox").fill("yes")
        expect(sure).to_be_disabled()
        panel.get_by_role("textbox").fill(profile["email"])
        sure.click()
        expect(page.get_by_role("status").filter(has_text="Erased")).to_contain_text("succeeded")
        expect(page.get_by_role("button", name="Bring it back")).to_be_hidden()
        assert "Forgotten" not in page.locator("#content").inner_text()
    assert api.get(path_of(profile)).status_code == 404
    assert api.get(f"{path_of(profile)}/events").json()[0]["data"] == {}


def test_an_erase_that_failed(browser: Browser, server: Server, api: httpx.Client) -> None:
    profile = created(api, name="Kept")

    def fail(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"status": "dead", "error": "No."})

    with visiting(browser, server.url, refused=(404,)) as visitor:
        page = opened(visitor, profile)
        page.route("**/erase", fail)
        page.get_by_role("button", name="Erase everything").click()
        panel = page.get_by_role("dialog")
        panel.get_by_role("textbox").fill(profile["email"])
        panel.get_by_role("button", name="Erase for good").click()
        told = page.get_by_role("status").filter(has_text="Not everything was erased")
        expect(told).to_contain_text("No.")


NAMES = ["W" * 255, "عمر الخيام النيسابوري", "紫式部 " * 30, "a\u202eb \u200f مرحبا", "🧑🏽‍🚀 Zoë"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_kinds_on_a_small_phone(
    browser: Browser, server: Server, api: httpx.Client, name: str
) -> None:
    """Nothing is wider than the screen."""
    profile = created(api, name=name)
    with visiting(browser, server.url, viewport=PHONE) as visitor:
        page = opened(visitor, profile)
        wide = "() => document.querySelector('.view').scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0
        page.get_by_role("link", name="Profiles").first.click()
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
