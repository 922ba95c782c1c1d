"""Tasks: submitted, followed, moved, stopped, tried again."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import tasks
from tests.support.browser import Visitor, visiting
from tests.support.processes import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("tasks"), **tasks.HANDLERS) as server:
        yield server


def begun(page: Page) -> None:
    page.get_by_role("button", name="New task").click()
    expect(page.get_by_role("dialog").get_by_label("Type")).to_be_focused()


def test_submit_and_see_it_done(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("tasks")
    begun(page)
    page.get_by_label("Payload").fill('{"greeting": "hello there"}')
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    row = page.get_by_role("row").filter(has_text="echo").first
    expect(row).to_contain_text("succeeded")
    row.get_by_role("button", name="echo").click()
    expect(page.get_by_label("Result")).to_contain_text("hello there")
    assert visitor.violations() == []


def test_the_payload_is_checked_while_one_types(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("tasks")
    begun(page)
    payload, submit = page.get_by_label("Payload"), page.get_by_role("button", name="Submit")
    payload.fill('{\n  "a": }')
    expect(page.get_by_role("alert")).to_contain_text("line 2, column 8")
    expect(submit).to_be_disabled()
    page.get_by_label("Type").fill("profile.export")
    payload.fill("{}")
    expect(page.get_by_role("alert")).to_contain_text("profile_id is required")
    page.get_by_role("button", name="Fill in an example").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(submit).to_be_enabled()


def test_what_the_service_says_of_it(browser: Browser, server: Server) -> None:
    """An unknown type is answered with those that are known, a delay with what it takes."""
    with visiting(browser, server.url, refused=(422, 400)) as visitor:
        page = visitor.page
        visitor.open("tasks")
        begun(page)
        page.get_by_label("Type").fill("nobody.knows")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("alert")).to_contain_text("profile.export")
        page.get_by_label("Type").fill("echo")
        page.get_by_label("After a while").check()
        page.get_by_label("Delay").fill("5 fortnights")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("alert")).to_contain_text("1h30m")


def test_reschedule_and_cancel(visitor: Visitor, api: httpx.Client) -> None:
    task = tasks.submitted(api, "test.say", delay="2h")
    page = visitor.page
    visitor.open("tasks?status=scheduled")
    row = page.get_by_role("row").filter(has_text="test.say")
    row.get_by_role("button", name="Reschedule").click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("After a while").check()
    panel.get_by_label("Delay").fill("20h")
    panel.get_by_role("button", name="Save").click()
    expect(row).to_contain_text(re.compile("in (19|20) hr"))
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_have_count(0)  # it is not in this status any more
    assert tasks.read(api, task)["status"] == "cancelled"


def test_a_running_one_is_stopped(visitor: Visitor, api: httpx.Client) -> None:
    task = tasks.held(api)
    page = visitor.page
    visitor.open("tasks?status=running")
    row = page.get_by_role("row").filter(has_text="test.hold")
    expect(row.get_by_role("progressbar")).to_be_visible()
    assert visitor.violations() == []
    row.get_by_role("button", name="Cancel").click()
    tasks.reached(api, task, "cancelled")
    expect(row).to_have_count(0)


def test_a_dead_one_is_tried_again(visitor: Visitor, api: httpx.Client) -> None:
    """With what went wrong; where only the dead are shown it may be gone for a moment."""
    tasks.dead(api)
    page = visitor.page
    visitor.open("tasks?type=test.fail")
    row = page.get_by_role("row").filter(has_text="test.fail")
    row.get_by_role("button", name="test.fail").click()
    attempts = page.locator(".attempts li")
    expect(attempts).to_have_count(1)
    expect(attempts).to_contain_text("attempt 1 failed")
    assert visitor.violations() == []
    row.get_by_role("button", name="Retry").click()
    expect(attempts).to_have_count(2)


def test_finished_meanwhile(browser: Browser, server: Server, api: httpx.Client) -> None:
    """409: told, and the table shows what is."""
    task = tasks.submitted(api, "echo", delay="3h")
    with visiting(browser, server.url, refused=(409,)) as visitor:
        page = visitor.page
        visitor.open("tasks?status=scheduled")
        row = page.get_by_role("row").filter(has_text="echo")
        expect(row).to_be_visible()
        page.route("**/api/v1/tasks?*", lambda route: route.abort())
        visitor.page.evaluate("() => 0")
        api.delete(tasks.path_of_task(task)).raise_for_status()
        page.unroute("**/api/v1/tasks?*")
        cancel = row.get_by_role("button", name="Cancel")
        if cancel.is_visible():
            cancel.click()
        expect(row).to_have_count(0)
        visitor.faults = [fault for fault in visitor.faults if "ERR_FAILED" not in fault]


def test_none(visitor: Visitor) -> None:
    visitor.open("tasks?status=queued&type=echo")
    expect(visitor.page.get_by_role("heading", name="No task is queued")).to_be_visible()
