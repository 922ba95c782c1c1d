"""One browser for all tests of a module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visitor, chromium, visiting
from tests.support.processes import Server

expect.set_options(timeout=20_000)  # milliseconds: the machine may be busy with other tests


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    with visiting(browser, server.url) as visitor:
        yield visitor
