"""Takes the pictures of the web client in docs/_static/web: `nox -s pictures`."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Page

from tests.support.browser import chromium
from tests.support.http import PROFILES
from tests.support.processes import Server, run
from tests.support.tasks import HANDLERS

FOLDER = Path(__file__).with_name("_static") / "web"
WIDTHS = {360: 740, 768: 900, 1440: 860}
THEMES = ("light", "dark")
ADA = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "bio": "Wrote the first program, for an engine that was never built.",
}


def hills() -> Image.Image:
    """Somewhere to look at."""
    width, height = 1200, 900
    sky = Image.linear_gradient("L").resize((width, height))
    bands = [sky.point([base + tone // 4 for tone in range(256)]) for base in (150, 140, 160)]
    picture = Image.merge("RGB", bands)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((560, 170, 760, 370), fill=(255, 236, 190))
    for shade, points in (
        ((92, 120, 140), [(0, 640), (300, 380), (520, 560), (860, 330), (1200, 600)]),
        ((52, 88, 96), [(0, 760), (260, 600), (620, 740), (980, 560), (1200, 700)]),
        ((22, 56, 60), [(0, 830), (420, 740), (820, 850), (1200, 770)]),
    ):
        draw.polygon([*points, (width, height), (0, height)], fill=shade)
    return picture


def encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def filled(api: httpx.Client) -> str:
    """The path of a profile with images and a history, among others and some tasks."""
    ada = api.post(PROFILES, json=ADA).raise_for_status().json()
    path = f"{PROFILES}/{ada['id']}"
    bio = "Wrote the first program, for the Analytical Engine, which was never built."
    api.put(path, json={"bio": bio}).raise_for_status()
    picture = hills()
    for part in (picture, picture.crop((300, 100, 1000, 800))):
        api.post(f"{path}/images", files={"image": encoded(part)}).raise_for_status()
    api.put(path, json={"name": "Ada King, Countess of Lovelace"}).raise_for_status()
    for order in (
        {"type": "echo", "payload": {"hello": "world"}, "delay": 0},
        {"type": "test.fail", "payload": {}, "delay": 0, "max_attempts": 1},
        {"type": "test.hold", "payload": {}, "delay": 0},
        {"type": "profile.export", "payload": {"profile_id": ada["id"]}, "delay": 0},
        {"type": "echo", "payload": {"hello": "later"}, "delay": "2h"},
    ):
        api.post("/api/v1/tasks/delayed", json=order).raise_for_status()
    return str(ada["id"])


def opened(page: Page) -> None:
    page.locator(".read b").wait_for()
    page.wait_for_timeout(700)


def charts(page: Page) -> None:
    """Until there is something to see in them."""
    for _ in range(8):
        page.evaluate("() => fetch('/api/v1/profiles?limit=5')")
        page.wait_for_timeout(3_000)


def conflict(page: Page, api: httpx.Client, id: str) -> None:
    # Each time anew: where nothing was changed meanwhile, there would be no two versions.
    api.put(f"{PROFILES}/{id}", json={"name": "Ada Byron"}).raise_for_status()
    page.get_by_role("heading", name="Ada Byron").wait_for()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Ada Lovelace")
    api.put(f"{PROFILES}/{id}", json={"name": "Augusta Ada King"}).raise_for_status()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Two versions").wait_for()
    page.wait_for_timeout(300)


def cropper(page: Page) -> None:
    picture = FilePayload(name="hills.jpg", mimeType="image/jpeg", buffer=encoded(hills()))
    page.get_by_label("Choose images").set_input_files(picture)
    page.get_by_role("button", name="Crop").click()
    page.get_by_role("slider").fill("20")


def button(name: str) -> Callable[[Page], Any]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def key(name: str) -> Callable[[Page], Any]:
    return lambda page: page.keyboard.press(name)


def selection(page: Page) -> None:
    for row in (2, 3, 5):
        page.get_by_role("row").nth(row).get_by_role("checkbox").check()


def rejects(page: Page) -> None:
    """An import of which nothing can be taken, so that the other pictures stay as they are."""
    page.get_by_role("button", name="Import").click()
    content = "name,email\nAda,ada@example.com\nGrace,grace at example.com\n"
    people = FilePayload(name="people.csv", mimeType="text/csv", buffer=content.encode())
    page.get_by_label("Choose a file").set_input_files(people)
    page.get_by_text("The import is done").wait_for()


def refused(page: Page, status: int, title: str, detail: str) -> None:
    """Shows the list with a service that does not give it."""
    problem = {"title": title, "status": status, "detail": detail, "request_id": "0198c2f7"}
    said = {"status": status, "headers": {"Retry-After": "300"}, "body": json.dumps(problem)}
    page.route(f"**{PROFILES}?*", lambda route: route.fulfill(**said))
    page.reload()
    page.locator(".failure, .signin").wait_for()


def away(page: Page) -> None:
    refused(page, 503, "The service cannot answer now", "The database does not answer.")


def signed_out(page: Page) -> None:
    refused(page, 401, "Nobody is known", "")


def taken(browser: Browser, url: str, api: httpx.Client, id: str, only: set[str]) -> None:
    views: dict[str, tuple[str, Callable[[Page], Any]]] = {
        "profiles": ("profiles", lambda _: None),
        "profile": (f"profiles/{id}", lambda _: None),
        "tasks": ("tasks", lambda page: page.get_by_role("button", name="test.fail").click()),
        "system": ("system", charts),
    }
    panels: dict[str, tuple[str, Callable[[Page], Any]]] = {
        "new": ("profiles", key("n")),
        "edit": (f"profiles/{id}", button("Edit")),
        "erase": (f"profiles/{id}", button("Erase everything")),
        "task": ("tasks", key("n")),
        "reschedule": ("tasks", button("Reschedule")),
        "selection": ("profiles", selection),
        "import": ("profiles", rejects),
        "none": ("profiles?q=nobody at all", lambda _: None),
        "failure": ("profiles", away),
        "signin": ("profiles", signed_out),
        "help": ("profiles", key("?")),
        "crop": (f"profiles/{id}", cropper),
        "conflict": (f"profiles/{id}", lambda page: conflict(page, api, id)),
    }
    for theme in THEMES:
        for width, height in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
                locale="en-GB",
            )
            for name, (view, act) in (views | (panels if theme == "light" else {})).items():
                if only and name not in only:
                    continue
                page = context.new_page()
                page.goto(f"{url}/#/{view}")
                opened(page)
                act(page)
                page.wait_for_timeout(300)
                shot = Image.open(io.BytesIO(page.screenshot()))
                shot.save(FOLDER / f"{name}-{theme}-{width}.webp", quality=72, method=6)
                page.close()
            context.close()


def main() -> int:
    """Take all pictures, or those of the views that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place:
        folder = Path(place)
        run(folder, "seed", "--count", "400", "--random-seed", "7")
        with Server(folder, **HANDLERS) as server, server.client() as api, chromium() as browser:
            taken(browser, server.url, api, filled(api), set(sys.argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
