"""What somebody types is not lost, and goes where it was meant to go."""

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.support import tasks
from tests.support.browser import Visitor, held, visiting
from tests.support.http import created, path_of
from tests.support.processes import Server


def edited(visitor: Visitor, profile: dict[str, str], bio: str) -> Page:
    """The page of a profile whose panel is open, with something typed in it."""
    page = visitor.page
    visitor.open(f"profiles/{profile['id']}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_label("Bio").fill(bio)
    return page


def test_going_back_asks_first(visitor: Visitor, api: httpx.Client) -> None:
    """The browser's own button, which no page can switch off."""
    profile = created(api, name="Unsaved")
    visitor.open()
    page = edited(visitor, profile, "Half a sentence")
    panel = page.get_by_role("dialog")
    page.go_back()
    expect(panel.get_by_role("alert")).to_contain_text("not saved")
    expect(panel.get_by_label("Bio")).to_have_value("Half a sentence")
    panel.get_by_role("button", name="Go on editing").click()
    expect(panel.get_by_role("button", name="Save")).to_be_visible()
    page.go_back()
    panel.get_by_role("button", name="Discard").click()
    expect(panel).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", name="Profiles", level=1)).to_be_visible()


def test_escape_from_two_versions(browser: Browser, server: Server, api: httpx.Client) -> None:
    """Back to the panel with what was typed; behind it is what is stored."""
    profile = created(api, name="Two of them")
    with visiting(browser, server.url, refused=(412,)) as visitor:
        page = edited(visitor, profile, "Mine")
        api.put(path_of(profile), json={"name": "Renamed", "bio": "Theirs"}).raise_for_status()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Two versions")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog").get_by_label("Bio")).to_have_value("Mine")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Renamed")


def test_only_an_image_has_come_meanwhile(
    browser: Browser, server: Server, api: httpx.Client
) -> None:
    """A newer version with the same words is no conflict for anybody to solve."""
    profile = created(api, name="Same words")
    with visiting(browser, server.url, refused=(412,)) as visitor:
        page = edited(visitor, profile, "Mine")
        api.put(path_of(profile), json={"bio": "Other"}).raise_for_status()
        api.put(path_of(profile), json={"bio": profile["bio"]}).raise_for_status()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
    assert api.get(path_of(profile)).json()["profile"]["bio"] == "Mine"


def test_brought_back_while_it_is_edited(
    browser: Browser, server: Server, api: httpx.Client
) -> None:
    profile = created(api, name="Comes back")
    with visiting(browser, server.url, refused=(412, 404)) as visitor:
        page = edited(visitor, profile, "Still here")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        api.delete(path_of(profile)).raise_for_status()
        panel = page.get_by_role("dialog")
        panel.get_by_role("button", name="Bring it back").click()
        expect(panel.get_by_label("Bio")).to_have_value("Still here")
        expect(panel.get_by_role("alert")).to_be_hidden()
        panel.get_by_role("button", name="Save").click()
        expect(panel).to_be_hidden()
    assert api.get(path_of(profile)).json()["profile"]["bio"] == "Still here"


def test_an_answer_that_comes_late(browser: Browser, server: Server, api: httpx.Client) -> None:
    """To a panel that was closed: it neither closes the next one, nor is it waited for."""
    profile = created(api, name="Slow to save")
    with visiting(browser, server.url, cut=True) as visitor:
        page = visitor.page
        puts = held(page, path_of(profile), "PUT")
        visitor.open("profiles?q=slow to save")
        page.get_by_role("row").filter(has_text="Slow to save").click()
        page.keyboard.press("e")
        panel = page.get_by_role("dialog")
        panel.get_by_label("Bio").fill("Discarded")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Bio")).not_to_be_editable()  # nothing is typed after it is sent
        page.keyboard.press("Escape")
        panel.get_by_role("button", name="Discard").click()
        page.keyboard.press("n")
        panel.get_by_label("Name").fill("Next one")
        assert puts[0].request.failure is not None  # it was taken back
        page.wait_for_timeout(300)
        expect(panel.get_by_label("Name")).to_have_value("Next one")
    assert api.get(path_of(profile)).json()["profile"]["version"] == 1


def test_the_payload_of_a_task(visitor: Visitor, api: httpx.Client) -> None:
    """It is asked for before it is lost, and sent as it stands: numbers of any size."""
    page = visitor.page
    visitor.open("tasks")
    page.get_by_role("button", name="New task").click()
    payload = page.get_by_label("Payload")
    payload.fill('{"id": 12345678901234567890, "share": 1.0}')
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_contain_text("not saved")
    page.get_by_role("button", name="Go on editing").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    newest = api.get(f"{tasks.TASKS}?limit=1").text
    assert '"id":12345678901234567890' in newest.replace(" ", "")


def test_words_that_are_dragged_are_no_import(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open()
    page.keyboard.press("n")
    taken = page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.setData("text/plain", "a word");
          const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          return !document.querySelector("#editor textarea").dispatchEvent(drop);
        }"""
    )
    assert not taken
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_the_question_is_seen_on_a_low_screen(browser: Browser, server: Server) -> None:
    """A wide one that is shown at twice its size."""
    with visiting(browser, server.url, viewport={"width": 640, "height": 400}) as visitor:
        visitor.open()
        visitor.page.keyboard.press("n")
        visitor.page.get_by_role("dialog").get_by_label("Name").fill("Somebody")
        visitor.page.keyboard.press("Escape")
        expect(visitor.page.get_by_role("button", name="Discard")).to_be_in_viewport(ratio=1)
