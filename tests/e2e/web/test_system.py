"""How the service is, as the page shows it."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visitor, visiting
from tests.support.http import created, path_of
from tests.support.ports import free_port
from tests.support.processes import Server


def test_parts_and_figures(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api)
    page = visitor.page
    visitor.open("system")
    for part in ("Database", "Cache", "Queue", "Images"):
        expect(page.get_by_role("listitem").filter(has_text=part)).to_contain_text("healthy")
    requests = page.get_by_role("img", name=re.compile("Requests a second: now [1-9]"))
    for _ in range(50):
        api.get(path_of(profile)).raise_for_status()
    expect(requests).to_be_visible(timeout=10_000)
    expect(
        page.get_by_role("img", name=re.compile("Found in the cache: now [1-9]"))
    ).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile(r"Time of a request: now [\d.]+ ms"))
    ).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Memory: now [1-9]"))).to_be_visible()
    assert visitor.violations() == []


def test_the_cache_is_in_fallback(browser: Browser, tmp_path: Path) -> None:
    """Said on every view, with memory standing in for a Redis that is not there."""
    redis = f"127.0.0.1:{free_port()}"
    with (
        Server(tmp_path, CACHE="redis", REDIS_ADDRESS=redis) as server,
        visiting(browser, server.url) as visitor,
    ):
        page = visitor.page
        for view in ("profiles", "tasks", "system"):
            visitor.open(view)
            expect(page.locator(".banner").filter(has_text="memory stands in")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="Cache")).to_contain_text("degraded")
        assert visitor.violations() == []


def test_metrics_on_a_port_of_their_own(browser: Browser, tmp_path: Path) -> None:
    with (
        Server(tmp_path, OPS_PORT=str(free_port())) as server,
        visiting(browser, server.url, refused=(404,)) as visitor,
    ):
        visitor.open("system")
        expect(visitor.page.get_by_text("OPS_PORT")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_is_kept(browser: Browser, server: Server, theme: str) -> None:
    with visiting(browser, server.url) as visitor:
        page = visitor.page
        visitor.open()
        while page.evaluate("() => document.documentElement.dataset.theme") != theme:
            page.get_by_role("button", name="Theme").click()
        page.reload()
        used = page.evaluate("() => getComputedStyle(document.documentElement).colorScheme")
        assert used == theme
