"""A real Chromium that shows the web client, and all that its console says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, Route, sync_playwright

EXECUTABLE = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "src/entrypoints/web/node_modules/axe-core/axe.min.js"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 320, "height": 700}
_STATUS = re.compile(r"the server responded with a status of (\d{3})")
_NO_ANSWER = re.compile(r"net::ERR_(CONNECTION|INTERNET|EMPTY|INCOMPLETE|FAILED|SOCKET|NETWORK)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the system, without a window."""
    assert EXECUTABLE.exists(), "Chromium is missing; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        # Tests may run as root, and in places without a shared memory of any size.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(
            executable_path=str(EXECUTABLE), args=arguments, timeout=60_000
        )
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser of their own: a page, and what went wrong on it.

    `refused` are the statuses that the flow brings about; a browser writes each of them to the
    console, and no page can help that. `cut` says that the network goes away in it.
    """

    def __init__(self, page: Page, url: str, refused: tuple[int, ...], cut: bool) -> None:
        self.page = page
        self.url = url
        self._refused = refused
        self._cut = cut
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def open(self, view: str = "profiles") -> None:
        self.page.goto(f"{self.url}/#/{view}")

    def reads_of(self, path: str) -> list[int]:
        """The status of each answer for that path from now on, as they come."""
        statuses: list[int] = []

        def note(response: Response) -> None:
            if response.url == self.url + path:
                statuses.append(response.status)

        self.page.on("response", note)
        return statuses

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        status = _STATUS.search(message.text)
        if status and int(status[1]) in self._refused:
            return
        if self._cut and _NO_ANSWER.search(message.text):
            return
        self.faults.append(f"{message.type}: {message.text} {message.location}")

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "blob:", "data:")):
            self.elsewhere.append(url)

    def violations(self) -> list[str]:
        """What axe-core finds wrong with what is shown; it comes in beside the page's policy."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("() => axe.run()")
        return [
            f"{violation['id']}: {node['html'][:150]} {node['failureSummary'][:250]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]


def held(page: Page, path: str, method: str) -> list[Route]:
    """Such calls from now on; each waits until the test lets it go."""
    calls: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == method:
            calls.append(route)
        else:
            route.continue_()

    page.route(f"**{path}", hold)
    return calls


@contextmanager
def visiting(
    browser: Browser, url: str, *, refused: tuple[int, ...] = (), cut: bool = False, **options: Any
) -> Iterator[Visitor]:
    """A visit, after which nothing may stand in the console, and nobody else was asked."""
    given = {"viewport": WIDE, "reduced_motion": "reduce", "locale": "en-GB"} | options
    context = browser.new_context(**given)
    context.set_default_timeout(15_000)
    try:
        visitor = Visitor(context.new_page(), url, refused, cut)
        yield visitor
        assert visitor.faults == [], visitor.faults
        assert visitor.elsewhere == [], visitor.elsewhere
    finally:
        context.close()
