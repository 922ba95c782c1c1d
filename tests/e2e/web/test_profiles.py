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


def test_keys_stay_with_whom_they_are_on(visitor: Visitor, api: httpx.Client) -> None:
    """Also where somebody new has come in above them: nobody else is deleted."""
    for number in range(3):
        named(api, "Stays", name=f"Stays {number}")
    page = visitor.page
    visitor.open("profiles?q=stays")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(4)
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowDown")
    named(api, "Stays", name="Stays above")
    expect(shown(page, "Stays above")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.get_by_role("status").filter(has_text="Stays 1 was deleted")).to_be_visible()
    page.keyboard.press("Delete")  # and the next one
    expect(page.get_by_role("status").filter(has_text="Stays 0 was deleted")).to_be_visible()
    expect(shown(page, "Stays")).to_have_count(2)


def test_keys_act_on_nobody_in_the_place_of_one_who_is_gone(
    visitor: Visitor, api: httpx.Client
) -> None:
    """Deleted by somebody else, a moment before one's own key."""
    gone = named(api, "Leaves", name="Leaves 1")
    named(api, "Leaves", name="Leaves 2")
    page = visitor.page
    visitor.open("profiles?q=leaves&sort=name")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("grid").focus()
    api.delete(path_of(gone)).raise_for_status()
    expect(page.get_by_role("row")).to_have_count(2)
    page.keyboard.press("Delete")
    page.keyboard.press("ArrowUp")  # now somebody is chosen
    page.keyboard.press("Space")
    expect(shown(page, "Leaves 2").get_by_role("checkbox")).to_be_checked()
    assert len(api.get(PROFILES, params={"q": "leaves"}).json()) == 1


def test_shift_selects_all_between(visitor: Visitor, api: httpx.Client) -> None:
    for number in range(4):
        named(api, "Between", name=f"Between {number}")
    page = visitor.page
    visitor.open("profiles?q=between&sort=name")
    boxes = page.get_by_role("row").get_by_role("checkbox")
    expect(boxes).to_have_count(4)
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    for number, checked in enumerate((True, True, True, False)):
        expect(boxes.nth(number)).to_be_checked(checked=checked)


def test_made_and_changed_at_once(visitor: Visitor, api: httpx.Client) -> None:
    """Two changes that the page is told of together: who is new is shown, as they are now."""
    visitor.open("profiles?q=atonce")
    expect(visitor.page.get_by_text("Live", exact=True)).to_be_visible()
    visitor.page.wait_for_timeout(1500)  # until it has been read anew
    profile = named(api, "Atonce", name="Atonce First")
    api.put(path_of(profile), json={"name": "Atonce Then"}).raise_for_status()
    expect(shown(visitor.page, "Atonce Then")).to_be_visible()


def test_what_was_changed_after_it_was_selected(visitor: Visitor, api: httpx.Client) -> None:
    """It is deleted as it is now, and not as it was then."""
    profile = named(api, "Picked")
    page = visitor.page
    visitor.open("profiles?q=picked")
    expect(shown(page, "Picked")).to_be_visible()
    page.get_by_role("grid").focus()
    page.keyboard.press("Space")
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_label("Bio").fill("Changed")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("region", name="1 selected").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="1 profile deleted")).to_be_visible()
    assert api.get(path_of(profile)).status_code == 404


def test_a_search_that_is_left_at_once(visitor: Visitor) -> None:
    """What was typed a moment before does not bring one back."""
    page = visitor.page
    visitor.open()
    search = page.get_by_role("searchbox")
    expect(search).to_be_visible()
    search.evaluate(
        """search => {
          search.value = "somebody";
          search.dispatchEvent(new InputEvent("input", { bubbles: true }));
          document.querySelector('a[href="#/tasks"]').click();
        }"""
    )
    page.wait_for_timeout(500)
    expect(page).to_have_url(re.compile(r"#/tasks$"))


def test_enter_goes_to_whom_was_sought(visitor: Visitor, api: httpx.Client) -> None:
    """Not to whoever stood first before, however soon it is pressed."""
    sought = named(api, "Quicksearch")
    named(api, "Lastmade")
    page = visitor.page
    visitor.open()
    expect(shown(page, "Lastmade").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("quicksearch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/profiles/{sought['id']}$"))


def test_back_to_where_one_was(visitor: Visitor, api: httpx.Client) -> None:
    """From a profile far down; and a new search begins at its top."""
    many = [{"name": f"Deep {n:03}", "email": f"deep{n}@example.com"} for n in range(150)]
    api.post(f"{PROFILES}/batch", json={"create": many}).raise_for_status()
    page = visitor.page
    visitor.open("profiles?q=deep&sort=name")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.wait_for_timeout(1500)  # until it has been read anew
    grid = page.get_by_role("grid")
    grid.evaluate("grid => { grid.scrollTop = 4000 }")
    page.get_by_role("link", name="Deep 110").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deep 110")
    page.go_back()
    expect(page.get_by_role("link", name="Deep 110")).to_be_in_viewport()
    expect(grid).to_be_focused()
    page.get_by_role("searchbox").fill("deep 0")
    expect(page.get_by_role("link", name="Deep 000")).to_be_in_viewport()
