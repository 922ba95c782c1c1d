"""Tasks: submitted, followed, moved, stopped, tried again."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, Route, expect

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


@pytest.fixture(scope="module")
def many(server: Server) -> list[dict[str, Any]]:
    """Three pages of tasks, the oldest first."""
    with server.client() as api:
        return [tasks.submitted(api, "test.sleep", delay="9h") for _ in range(120)]


def older(page: Page) -> Locator:
    return page.get_by_role("button", name="Show older ones")


def test_older_ones(visitor: Visitor, many: list[dict[str, Any]]) -> None:
    """Each of them is there once, also where somebody clicks twice."""
    visitor.open("tasks?type=test.sleep")
    older(visitor.page).evaluate("button => { button.click(); button.click(); }")
    rows = visitor.page.locator("tbody tr")
    expect(rows).to_have_count(100)
    older(visitor.page).click()
    expect(rows).to_have_count(120)


def test_older_ones_keep_up(
    visitor: Visitor, api: httpx.Client, many: list[dict[str, Any]]
) -> None:
    visitor.open("tasks?type=test.sleep")
    rows = visitor.page.locator("tbody tr")
    for count in (50, 100):
        expect(rows).to_have_count(count)
        older(visitor.page).click()
    api.delete(tasks.path_of_task(many[0])).raise_for_status()
    expect(rows.last).to_contain_text("cancelled")
    expect(rows).to_have_count(120)


def test_another_status_meanwhile(visitor: Visitor, many: list[dict[str, Any]]) -> None:
    """Older ones that come too late are not put below it."""
    page = visitor.page
    visitor.open("tasks?type=test.sleep")
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/tasks?*cursor=*", lambda route: late.append((route, route.fetch())))
    older(page).click()
    page.get_by_role("link", name="running").click()
    expect(page.get_by_role("heading", name="No task is running")).to_be_visible()
    route, answer = late[0]
    route.fulfill(response=answer)
    page.wait_for_timeout(300)
    assert page.locator("tbody tr").count() == 0
