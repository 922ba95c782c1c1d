"""Many profiles at once: imports, exports, and what is done to a selection."""

import json
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.support.browser import Visitor, held, visiting
from tests.support.http import PROFILES, created
from tests.support.processes import Server


def rejects_of(page: Page) -> list[dict[str, Any]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the rejects").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_import_of_csv(visitor: Visitor, api: httpx.Client) -> None:
    """What cannot be taken comes back with its line and the reason."""
    created(api, name="There already", email="there@example.com")
    rows = [f'"Row, {n}",csv{n}@example.com,"two\nlines"' for n in range(1200)]
    rows[3] = "Bad,not-an-address,"
    rows[7] = "Taken,THERE@example.com,"
    page = visitor.page
    visitor.open()
    page.get_by_role("button", name="Import").click()
    content = "\n".join(["name,email,bio", *rows]).encode()
    people = FilePayload(name="people.csv", mimeType="text/csv", buffer=content)
    page.get_by_label("Choose a file").set_input_files(people)
    panel = page.get_by_role("dialog")
    done = "The import is done: 1,198 created, 2 rejected"
    expect(panel.get_by_role("status")).to_contain_text(done)
    expect(panel.get_by_role("button", name="Close").last).to_be_focused()
    assert visitor.violations() == []
    bad, taken = rejects_of(page)
    assert (bad["line"], bad["row"]) == (8, rows[3])
    assert "email" in bad["reason"]
    assert (taken["line"], taken["row"]) == (15, rows[7])
    panel.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Row, ")
    found = api.get(PROFILES, params={"q": "csv", "count": "exact"})
    assert found.headers["x-total-count"] == "1198"
    assert found.json()[0]["bio"] == "two\nlines"


def test_import_of_large_records(browser: Browser, server: Server, api: httpx.Client) -> None:
    """More than goes into one request goes in several; one that is too large alone is named."""
    rows = [{"name": "Large", "email": f"large{n}@example.com", "bio": ""} for n in range(30)]
    rows[9]["bio"] = "x" * (17 * 1024 * 1024)
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    with visiting(browser, server.url, refused=(413,)) as visitor:
        page = visitor.page
        visitor.open()
        page.get_by_role("button", name="Import").click()
        people = FilePayload(name="a.ndjson", mimeType="application/x-ndjson", buffer=content)
        page.get_by_label("Choose a file").set_input_files(people)
        done = "The import is done: 29 created, 1 rejected"
        expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text(done)
        expect(page.get_by_role("dialog").get_by_role("listitem")).to_contain_text("bytes")


def drop(page: Page, lines: str) -> None:
    expect(page.get_by_role("heading", name="Profiles", exact=True)).to_be_visible()
    script = """(text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'a.ndjson'));
      return transfer;
    }"""
    transfer = page.evaluate_handle(script, lines)
    page.dispatch_event(".view.profiles", "dragover", {"dataTransfer": transfer})
    page.dispatch_event(".view.profiles", "drop", {"dataTransfer": transfer})


def test_import_by_drop(visitor: Visitor, api: httpx.Client) -> None:
    page = visitor.page
    visitor.open()
    drop(page, '{"name": "Dropped", "email": "dropped@example.com"}\nnonsense\n')
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("status")).to_contain_text("1 created, 1 rejected")
    assert rejects_of(page) == [{"line": 2, "reason": "is not JSON", "row": "nonsense"}]


def test_back_during_an_import(visitor: Visitor) -> None:
    """It ends there, and does not begin once more when one returns."""
    page = visitor.page
    visitor.open("tasks")
    page.get_by_role("link", name="Profiles").click()
    batches = held(page, f"{PROFILES}/batch", "POST")
    with page.expect_event("requestfailed", lambda request: "batch" in request.url):
        drop(page, '{"name": "Twice", "email": "twice@example.com"}\n')
        expect(page.get_by_role("dialog").get_by_role("status")).to_be_visible()
        page.wait_for_timeout(300)
        page.go_back()
    page.go_forward()
    expect(page.get_by_role("heading", name="Profiles", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(batches) == 1


def test_a_file_without_columns(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open()
    page.get_by_role("button", name="Import").click()
    wrong = FilePayload(name="people.csv", mimeType="text/csv", buffer=b"ada,ada@example.com\n")
    page.get_by_label("Choose a file").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("name the columns")


def test_export(visitor: Visitor, api: httpx.Client) -> None:
    """Everything, as the API streams it; and an import takes it."""
    created(api, name="Exported")
    page = visitor.page
    visitor.open()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "profiles.ndjson"
    content = Path(download.value.path()).read_text(encoding="utf-8")
    assert content == api.get(f"{PROFILES}/export").text


def test_a_selection(visitor: Visitor, api: httpx.Client) -> None:
    """Selected by clicks with Shift, exported, deleted, brought back."""
    for number in range(6):
        created(api, name=f"Selectable {number}")
    page = visitor.page
    visitor.open("profiles?q=selectable&sort=name")
    expect(page.get_by_role("row")).to_have_count(7)
    page.get_by_role("checkbox", name="Select Selectable 1").check()
    page.get_by_role("row").nth(5).click(modifiers=["Shift"], position={"x": 400, "y": 10})
    bar = page.get_by_role("region", name="4 selected")
    with page.expect_download() as download:
        bar.get_by_role("button", name="Export").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["name"][-1] for line in lines) == ["1", "2", "3", "4"]
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(bar).to_be_hidden()
    assert len(api.get(PROFILES, params={"q": "selectable"}).json()) == 2
    page.keyboard.press("z")
    expect(page.get_by_role("row")).to_have_count(7)
    assert len(api.get(PROFILES, params={"q": "selectable"}).json()) == 6


def test_many_rows_by_scrolling(visitor: Visitor, api: httpx.Client) -> None:
    """Pages come as one scrolls; what is far away is let go, and read again on the way back."""
    for start in range(0, 8000, 1000):
        numbers = range(start, start + 1000)
        many = [{"name": f"N {n:05}", "email": f"n{n}@example.net"} for n in numbers]
        api.post(f"{PROFILES}/batch", json={"create": many}).raise_for_status()
    page = visitor.page
    visitor.open("profiles?q=example.net&sort=name")
    expect(page.get_by_role("row").nth(1)).to_contain_text("N 00000")
    grid = page.get_by_role("grid")
    grid.focus()
    for _ in range(300):
        page.keyboard.press("End")
        page.wait_for_timeout(50)
        if page.get_by_text("That is all.").is_visible():
            break
    page.keyboard.press("End")
    expect(page.get_by_role("row").filter(has_text="N 07999")).to_be_visible()
    assert grid.get_attribute("aria-rowcount") == "8001"
    assert page.get_by_role("row").count() < 80
    page.keyboard.press("Home")
    expect(page.get_by_role("row").filter(has_text="N 00000")).to_be_visible()
