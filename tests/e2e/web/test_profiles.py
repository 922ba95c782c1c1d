"""The view of all profiles, as somebody uses it."""

import re
from itertools import count
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Visitor, visiting
from tests.support.http import PROFILES, created, path_of
from tests.support.processes import Server

_numbers = count(1)


def named(api: httpx.Client, word: str, **fields: Any) -> dict[str, Any]:
    """A profile that a search for `word` finds alone."""
    email = f"{word.lower()}{next(_numbers)}@example.com"
    return created(api, **{"name": f"{word} Person", "email": email, **fields})


def shown(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has_text=name)


def test_create_with_messages_beside_fields(browser: Browser, server: Server) -> None:
    """What the API says of a field stands at the field, which has the focus then."""
    with visiting(browser, server.url, refused=(422,)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_role("button", name="New profile").first.click()
        panel = page.get_by_role("dialog")
        expect(panel.get_by_label("Name")).to_be_focused()
        panel.get_by_label("Name").fill("Grace Hopper")
        panel.get_by_label("Email").fill("grace")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Email")).to_be_focused()
        expect(panel.get_by_role("alert")).to_contain_text("email address")
        panel.get_by_label("Email").fill("grace@example.com")
        panel.get_by_role("button", name="Save").click()
        expect(panel).to_be_hidden()
        expect(shown(page, "Grace Hopper")).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="was created")).to_be_visible()


def test_email_is_taken(browser: Browser, server: Server, api: httpx.Client) -> None:
    """409 stands beside the email."""
    taken = named(api, "Taken")
    with visiting(browser, server.url, refused=(409,)) as visitor:
        visitor.open()
        visitor.page.keyboard.press("n")
        panel = visitor.page.get_by_role("dialog")
        panel.get_by_label("Name").fill("Another")
        panel.get_by_label("Email").fill(taken["email"].upper())
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("alert")).to_contain_text(re.compile("email", re.IGNORECASE))
        expect(panel.get_by_label("Email")).to_have_attribute("aria-invalid", "true")


def test_edit(visitor: Visitor, api: httpx.Client) -> None:
    """By the keyboard alone: search, go to the row, edit, save."""
    profile = named(api, "Editable")
    page = visitor.page
    visitor.open()
    expect(page.get_by_role("grid")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("editable")
    expect(page.get_by_role("row")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("e")
    panel = page.get_by_role("dialog")
    panel.get_by_label("Bio").fill("Edited")
    page.keyboard.press("Control+Enter")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("grid")).to_be_focused()
    assert api.get(path_of(profile)).json()["profile"]["bio"] == "Edited"


def test_delete_and_undo(visitor: Visitor, api: httpx.Client) -> None:
    profile = named(api, "Deletable")
    page = visitor.page
    visitor.open("profiles?q=deletable")
    expect(shown(page, "Deletable")).to_be_visible()
    page.get_by_role("grid").focus()
    page.keyboard.press("Delete")
    expect(shown(page, "Deletable")).to_be_hidden()
    assert api.get(path_of(profile)).status_code == 404
    page.get_by_role("button", name="Undo").click()
    expect(shown(page, "Deletable")).to_be_visible()
    assert api.get(path_of(profile)).status_code == 200


def test_search_and_sort_stand_in_the_address(visitor: Visitor, api: httpx.Client) -> None:
    for number in range(3):
        named(api, "Sortable", name=f"Sortable {number}")
    page = visitor.page
    visitor.open()
    page.get_by_role("searchbox").fill("sortable")
    page.get_by_role("combobox").select_option("name")
    expect(page).to_have_url(re.compile(r"#/profiles\?q=sortable&sort=name$"))
    expect(page.get_by_role("row").nth(1)).to_contain_text("Sortable 0")
    address = page.url
    visitor.open("system")
    page.goto(address)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("sortable")
    expect(page.get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("row").nth(3)).to_contain_text("Sortable 2")


def test_where_a_read_came_from(visitor: Visitor, api: httpx.Client) -> None:
    """The database for a list; the cache for a profile that was just read; and how long it took."""
    profile = named(api, "Sourced")
    page = visitor.page
    visitor.open("profiles?q=sourced")
    line = page.get_by_label("About this view")
    expect(line).to_contain_text(re.compile(r"from the database\s+[\d.]+ ms"))
    api.get(path_of(profile))
    visitor.open(f"profiles/{profile['id']}")
    expect(line).to_contain_text(re.compile(r"from the cache\s+[\d.]+ ms"))


def test_curl(browser: Browser, server: Server) -> None:
    """A screen's request, ready for a shell."""
    allowed = ["clipboard-read", "clipboard-write"]
    with visiting(browser, server.url, permissions=allowed) as visitor:
        visitor.open("profiles?q=o%27neil&sort=name")
        visitor.page.get_by_role("button", name="Copy as curl").click()
        expect(visitor.page.get_by_text("Copied")).to_be_visible()
        text = visitor.page.evaluate("() => navigator.clipboard.readText()")
        assert text == f"curl '{server.url}{PROFILES}?limit=200&q=o%27neil&sort=name'"


def test_total_when_asked(visitor: Visitor, api: httpx.Client) -> None:
    many = [{"name": f"Many {n}", "email": f"many{n}@example.com"} for n in range(450)]
    api.post(f"{PROFILES}/batch", json={"create": many}).raise_for_status()
    page = visitor.page
    visitor.open("profiles?q=many")
    expect(page.get_by_text("200 so far")).to_be_visible()
    page.get_by_role("button", name="Count", exact=True).click()
    expect(page.get_by_text("450 profiles")).to_be_visible()
