"""Images: chosen, dropped, pasted, cut, sent, stopped, refused."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.support.browser import Visitor, visiting
from tests.support.http import created, path_of
from tests.support.pictures import encoded, moving, photograph, scene
from tests.support.processes import Server

SIZE = (400, 300)


def file(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    return FilePayload(name=name, mimeType=kind, buffer=content)


def opened(visitor: Visitor, profile: dict[str, Any]) -> Page:
    visitor.open(f"profiles/{profile['id']}")
    expect(visitor.page.get_by_role("heading", name="Images")).to_be_visible()
    return visitor.page


def chosen(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Choose images").set_input_files(list(files))


def images_of(api: httpx.Client, profile: dict[str, Any]) -> list[tuple[int, int]]:
    images = api.get(f"{path_of(profile)}/images").json()
    return [(image["width"], image["height"]) for image in images]


def kept(page: Page) -> Any:
    return page.get_by_role("region", name="Images", exact=True).locator("figure")


def test_several_at_once(visitor: Visitor, api: httpx.Client) -> None:
    """As a square unless one says otherwise; each is shown once it is there."""
    profile = created(api)
    page = opened(visitor, profile)
    pictures = [encoded(photograph(*SIZE)) for _ in range(2)]
    chosen(page, *(file(f"{n}.jpg", data) for n, data in enumerate(pictures)))
    tray = page.get_by_role("region", name="Images to upload")
    expect(tray.get_by_role("listitem")).to_have_count(2)
    tray.get_by_label("As a square").nth(1).uncheck()
    assert visitor.violations() == []
    page.get_by_role("button", name="Upload 2 images").click()
    expect(kept(page)).to_have_count(2)
    expect(tray).to_be_hidden()
    assert sorted(images_of(api, profile)) == [(300, 300), SIZE]
    expect(page.get_by_role("region", name="History").get_by_text("Images")).to_have_count(2)


def test_crop_by_keys(visitor: Visitor, api: httpx.Client) -> None:
    """The part that was chosen is what is sent: here the right upper corner, which is green."""
    profile = created(api)
    page = opened(visitor, profile)
    chosen(page, file("scene.png", encoded(scene(600, 400), "PNG"), "image/png"))
    page.get_by_role("button", name="Crop").click()
    panel = page.get_by_role("dialog")
    window = panel.get_by_role("application")
    window.focus()
    assert visitor.violations() == []
    for _ in range(12):
        page.keyboard.press("+")
    for _ in range(40):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
    panel.get_by_role("button", name="Use this part").click()
    page.get_by_role("button", name="Upload 1 image").click()
    expect(kept(page)).to_have_count(1)
    (size,) = images_of(api, profile)
    assert size[0] == size[1] < 200
    url = api.get(f"{path_of(profile)}/images").json()[0]["variants"]["thumb"]["jpeg"]["url"]
    middle: Any = Image.open(io.BytesIO(api.get(url).content)).convert("RGB").getpixel((48, 48))
    assert middle[1] > 150 > max(middle[0], middle[2])


def test_crop_by_dragging(visitor: Visitor, api: httpx.Client) -> None:
    page = opened(visitor, created(api))
    chosen(page, file("a.jpg", encoded(photograph(*SIZE))))
    page.get_by_role("button", name="Crop").click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("slider").fill("50")
    before = panel.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    box = panel.get_by_role("application").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 140, steps=4)
    page.mouse.up()
    moved = panel.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    assert moved != before
    page.mouse.down()
    panel.get_by_role("application").dispatch_event("pointercancel")  # the browser scrolls instead
    page.mouse.move(0, 0, steps=4)
    assert panel.locator("canvas").evaluate("canvas => canvas.toDataURL()") == moved


_PASTE = """(clipboardData) => document.body.dispatchEvent(
  new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))"""
_TRANSFER = """([name, type, data]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type }));
  return transfer;
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_dropped_and_pasted(visitor: Visitor, api: httpx.Client, way: str) -> None:
    profile = created(api)
    page = opened(visitor, profile)
    data = base64.b64encode(encoded(photograph(*SIZE))).decode()
    transfer = page.evaluate_handle(_TRANSFER, ["a.jpg", "image/jpeg", data])
    if way == "drop":
        page.dispatch_event(".images .drop", "dragover", {"dataTransfer": transfer})
        page.dispatch_event(".images .drop", "drop", {"dataTransfer": transfer})
    else:
        page.evaluate(_PASTE, transfer)
    page.get_by_role("button", name="Upload 1 image").click()
    expect(kept(page)).to_have_count(1)


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("a.jpg", b"GIF89a no picture at all", 415, "JPEG"),
        ("cut.jpg", encoded(photograph(*SIZE))[:3000], 422, ""),
    ],
)
def test_the_reason_of_a_refusal(
    browser: Browser,
    server: Server,
    api: httpx.Client,
    name: str,
    content: bytes,
    status: int,
    reason: str,
) -> None:
    """What the browser cannot read is sent as it is, and the service says what is wrong."""
    profile = created(api)
    with visiting(browser, server.url, refused=(status,)) as visitor:
        page = opened(visitor, profile)
        chosen(page, file(name, content))
        square = page.get_by_label("As a square")
        page.get_by_role("button", name="Upload 1 image").wait_for()
        if square.is_visible():  # it reads what is there of it
            square.uncheck()
        page.get_by_role("button", name="Upload 1 image").click()
        tray = page.get_by_role("region", name="Images to upload")
        expect(tray.get_by_role("alert")).to_contain_text(reason)
        assert visitor.violations() == []
        tray.get_by_role("button", name="Leave out").click()
        expect(tray).to_be_hidden()
    assert images_of(api, profile) == []


def test_moving_pictures(browser: Browser, server: Server, api: httpx.Client) -> None:
    """422 for more than one frame, told with the service's words."""
    with visiting(browser, server.url, refused=(422,)) as visitor:
        page = opened(visitor, created(api))
        chosen(page, file("moving.webp", moving("WEBP"), "image/webp"))
        page.get_by_label("As a square").uncheck()
        page.get_by_role("button", name="Upload 1 image").click()
        expect(page.get_by_role("alert")).to_contain_text("frame")


def test_too_large(visitor: Visitor, api: httpx.Client) -> None:
    """Not even sent."""
    page = opened(visitor, created(api))
    chosen(page, file("large.jpg", b"\xff\xd8" + bytes(10 * 1024 * 1024)))
    page.get_by_role("button", name="Upload 1 image").click()
    expect(page.get_by_role("alert")).to_contain_text("10 MB")


def test_too_large_for_the_service(browser: Browser, server: Server, api: httpx.Client) -> None:
    """What it says of 413 stands beside the image."""
    profile = created(api)
    large = {"image": b"\xff\xd8" + bytes(10 * 1024 * 1024)}
    said = api.post(f"{path_of(profile)}/images", files=large)
    assert said.status_code == 413
    kind = said.headers["content-type"]
    with visiting(browser, server.url, refused=(413,)) as visitor:
        page = opened(visitor, profile)
        page.route(
            "**/images",
            lambda route: route.fulfill(status=413, content_type=kind, body=said.content),
        )
        chosen(page, file("a.jpg", encoded(photograph(*SIZE))))
        page.get_by_role("button", name="Upload 1 image").click()
        expect(page.get_by_role("alert")).to_have_text(said.json()["detail"])


def test_stopped(visitor: Visitor, api: httpx.Client) -> None:
    """On a slow line: the progress is shown, and a stop is one."""
    profile = created(api)
    page = opened(visitor, profile)
    chosen(page, file("large.png", encoded(photograph(1200, 900), "PNG"), "image/png"))
    page.get_by_label("As a square").uncheck()
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    conditions = {"offline": False, "latency": 20, "downloadThroughput": -1}
    slow.send("Network.emulateNetworkConditions", conditions | {"uploadThroughput": 100_000})
    page.get_by_role("button", name="Upload 1 image").click()
    tray = page.get_by_role("region", name="Images to upload")
    expect(tray.get_by_role("progressbar")).to_be_visible()
    tray.get_by_role("button", name="Cancel").click()
    expect(tray.get_by_role("alert")).to_contain_text("stopped")
    slow.send("Network.emulateNetworkConditions", conditions | {"uploadThroughput": -1})
    page.get_by_role("button", name="Upload 1 image").click()
    expect(kept(page)).to_have_count(1)


def test_stopped_at_once(visitor: Visitor, api: httpx.Client) -> None:
    """While the square is still being cut out."""
    profile = created(api)
    page = opened(visitor, profile)
    chosen(page, file("a.jpg", encoded(photograph(*SIZE))))
    page.get_by_role("button", name="Upload 1 image").evaluate(
        """async (upload) => {
          upload.click();
          for (let n = 0; n < 20; n += 1) await null;
          document.querySelector('.tray li.sending .plain').click();
        }"""
    )
    expect(page.get_by_role("alert")).to_have_text("The upload was stopped.")
    assert images_of(api, profile) == []


def test_asked_to_wait(browser: Browser, server: Server, api: httpx.Client) -> None:
    """Told where it is long, and waited for where it is not; a stop is one then too."""
    with visiting(browser, server.url, refused=(429,)) as visitor:
        page = opened(visitor, created(api))
        waits = iter(("3600", "30"))
        page.route(
            "**/images",
            lambda route: route.fulfill(status=429, headers={"Retry-After": next(waits)}),
        )
        chosen(page, file("a.jpg", encoded(photograph(*SIZE))))
        page.get_by_role("button", name="Upload 1 image").click()
        alert = page.locator(".tray").get_by_role("alert")
        expect(alert).to_contain_text("429")
        page.get_by_role("button", name="Upload 1 image").click()
        expect(page.get_by_text("Too many requests")).to_be_visible()
        page.locator(".tray").get_by_role("button", name="Cancel").click()
        expect(alert).to_have_text("The upload was stopped.")


def test_cut_anew_after_a_lost_answer(browser: Browser, server: Server, api: httpx.Client) -> None:
    """Another picture, and not the first one once more, which would be refused."""
    profile = created(api)
    with visiting(browser, server.url, cut=True) as visitor:
        page = opened(visitor, profile)
        line = page.context.new_cdp_session(page)

        def lose(event: dict[str, Any]) -> None:
            call = {"requestId": event["requestId"], "errorReason": "ConnectionReset"}
            line.send("Fetch.failRequest", call)

        line.on("Fetch.requestPaused", lose)
        answers = {"urlPattern": "*/images", "requestStage": "Response"}
        line.send("Fetch.enable", {"patterns": [answers]})
        chosen(page, file("a.jpg", encoded(photograph(*SIZE))))
        page.get_by_role("button", name="Upload 1 image").click()
        expect(page.locator(".tray").get_by_role("alert")).to_be_visible()
        line.send("Fetch.disable")
        page.get_by_role("button", name="Crop").click()
        page.get_by_role("application").press("+")
        page.get_by_role("button", name="Use this part").click()
        page.get_by_role("button", name="Upload 1 image").click()
        expect(kept(page)).to_have_count(2)
    assert sorted(images_of(api, profile)) == [(273, 273), (300, 300)]


def test_delete_asks_first(visitor: Visitor, api: httpx.Client) -> None:
    profile = created(api)
    files = {"image": encoded(photograph(*SIZE))}
    api.post(f"{path_of(profile)}/images", files=files).raise_for_status()
    page = opened(visitor, profile)
    trash = page.get_by_role("button", name="Delete image 1")
    sure = page.locator("figure").get_by_role("button", name="Delete", exact=True)
    trash.press("Enter")
    expect(sure).to_be_focused()
    assert len(images_of(api, profile)) == 1
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(trash).to_be_focused()
    trash.press("Enter")
    sure.press("Enter")
    expect(kept(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Images")).to_be_focused()
    assert images_of(api, profile) == []
