"""What holds for each view: access for all, any width, the keyboard, motion."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import PHONE, WIDE, Visitor, visiting
from tests.support.http import created, path_of
from tests.support.pictures import encoded, photograph
from tests.support.processes import Server
from tests.support.tasks import submitted

VIEWS = ("profiles", "profile", "tasks", "system")


@pytest.fixture(scope="module")
def profile(api: httpx.Client) -> dict[str, Any]:
    """One with all that a profile can have, among others."""
    for _ in range(30):
        created(api)
    full = created(api, name="Ada Lovelace", bio="Poet", image_urls=["https://example.com/a.jpg"])
    files = {"image": encoded(photograph(200, 160))}
    api.post(f"{path_of(full)}/images", files=files).raise_for_status()
    api.put(path_of(full), json={"bio": "Poet of numbers"}).raise_for_status()
    for delay in ("0s", "2h"):
        submitted(api, delay=delay)
    return full


def opened(visitor: Visitor, view: str, profile: dict[str, Any]) -> None:
    visitor.open(f"profiles/{profile['id']}" if view == "profile" else view)
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    expect(visitor.page.get_by_label("About this view")).to_contain_text(" ms")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_violation(
    browser: Browser, server: Server, profile: dict[str, Any], view: str, size: Any, theme: Any
) -> None:
    with visiting(browser, server.url, viewport=size, color_scheme=theme) as visitor:
        opened(visitor, view, profile)
        assert visitor.violations() == []
        width = visitor.page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= size["width"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_violation_in_panels(
    browser: Browser, server: Server, profile: dict[str, Any], theme: Any
) -> None:
    with visiting(browser, server.url, color_scheme=theme) as visitor:
        page = visitor.page
        opened(visitor, "profiles", profile)
        for way in ("n", "?"):
            page.keyboard.press(way)
            expect(page.get_by_role("dialog")).to_be_visible()
            assert visitor.violations() == []
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Import").click()
        assert visitor.violations() == []
        page.keyboard.press("Escape")
        page.get_by_role("grid").focus()
        for _ in range(3):
            page.keyboard.press("Shift+ArrowDown")
        expect(page.get_by_role("region", name="4 selected")).to_be_visible()
        assert visitor.violations() == []
        page.keyboard.press("2")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
        page.keyboard.press("n")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert visitor.violations() == []


def test_keys(visitor: Visitor, profile: dict[str, Any]) -> None:
    """From the list to a profile and back, and no further than the ends."""
    page = visitor.page
    opened(visitor, "profiles", profile)
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="1 selected")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(profile["name"])
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.go_back()
    expect(page.get_by_role("grid")).to_be_visible()


def test_keys_can_be_switched_off(visitor: Visitor, profile: dict[str, Any]) -> None:
    """WCAG 2.1.4: single letters are no trap for who speaks to the machine."""
    page = visitor.page
    opened(visitor, "profiles", profile)
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("2")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profiles")


def test_focus_is_kept_in_a_panel_and_given_back(visitor: Visitor, profile: dict[str, Any]) -> None:
    page = visitor.page
    opened(visitor, "profiles", profile)
    button = page.get_by_role("button", name="New profile")
    button.focus()
    page.keyboard.press("Enter")
    inside = "() => document.activeElement.matches('body, dialog *')"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_a_panel_is_there_before_the_next_key(visitor: Visitor, profile: dict[str, Any]) -> None:
    """Or the focus moves on behind it, and is given back to where it never was."""
    page = visitor.page
    opened(visitor, "profiles", profile)
    button = page.get_by_role("button", name="New profile")
    button.evaluate("""async (button) => {
      button.focus();
      button.click();
      for (let turn = 0; turn < 5; turn += 1) await null;
      document.querySelector('nav a').focus();
    }""")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_touch_targets(browser: Browser, server: Server, profile: dict[str, Any]) -> None:
    """WCAG 2.5.8: at least 24 pixels each way."""
    small = """() => [...document.querySelectorAll('button, input, select, nav a')]
      .filter((one) => !one.closest('label') && one.checkVisibility())
      .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
      .filter(([, box]) => box.height > 0 && (box.height < 24 || box.width < 24))
      .filter(([html]) => !html.includes('type="checkbox"'))
      .map(([html]) => html)"""
    with visiting(browser, server.url, viewport=PHONE, has_touch=True) as visitor:
        for view in VIEWS:
            opened(visitor, view, profile)
            assert visitor.page.evaluate(small) == []
