# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""An open page stays current where the stream of events can not be had, or only a part of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e_ui.conftest import OpenPage, Seeded, settle
from tests.support.api import make_id, make_log, make_state, make_task_run

EVENTS = "**/api/events*"
PATIENCE_MS = 90_000
"""Asking takes its turns, and longer where a machine is busy."""


def cut(route: Route) -> None:
    route.abort()


def refuse(route: Route) -> None:
    route.fulfill(status=404, body="The proxy knows no such page.")


def fail(route: Route) -> None:
    route.fulfill(status=502, body="The proxy reads no streams.")


def keep_back(_: Route) -> None:
    """Never answers, as a proxy that waits for the end of a stream."""


def without_stream(open_page: OpenPage, seeded: Seeded, path: str, handler: Callable[[Route], None]) -> Page:
    """A page that can have all of the API but the stream."""
    page = open_page("/settings", allow="Failed to load resource")
    settle(page)
    page.route(EVENTS, handler)
    page.goto(seeded.url + path)
    return page


@pytest.mark.parametrize("handler", [cut, refuse, fail, keep_back])
def test_without_the_stream_an_open_list_still_follows_its_runs(
    open_page: OpenPage, seeded: Seeded, handler: Callable[[Route], None]
) -> None:
    name = f"{handler.__name__}-swan"
    page = without_stream(open_page, seeded, f"/flow-runs?name={name}", handler)
    page.get_by_text("No run matches these filters").wait_for(timeout=PATIENCE_MS)
    run_id = seeded.seeder.start_run(name=name)
    row = page.get_by_role("row").filter(has_text=name)
    expect(row.get_by_text("Running")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("The server does not answer.")).to_be_hidden()
    seeded.seeder.end_run(run_id, "FAILED", message="It broke.")
    expect(row.get_by_text("Failed")).to_be_visible(timeout=PATIENCE_MS)


def test_without_the_stream_the_open_page_of_a_run_still_grows(open_page: OpenPage, seeded: Seeded) -> None:
    seeder = seeded.seeder
    run_id, task_id = seeder.start_run(name="blind-newt"), make_id()
    page = without_stream(open_page, seeded, f"/flow-runs/{run_id}", cut)
    page.get_by_text("No line yet").wait_for(timeout=PATIENCE_MS)
    told = [make_task_run(task_id, run_id, "measure", name="measure-0"), make_state(task_id, "RUNNING")]
    seeder.tell(run_id, [*told, make_log(run_id, "the depth is two metres")])
    timeline = page.get_by_role("region", name="Task runs in time")
    expect(timeline.get_by_role("link", name="measure-0")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("log").get_by_text("the depth is two metres")).to_be_visible(timeout=PATIENCE_MS)
    seeder.end_run(run_id, "FAILED", message="ValueError: too shallow")
    expect(page.get_by_role("alert").get_by_text("ValueError: too shallow")).to_be_visible(timeout=PATIENCE_MS)


def test_a_stream_that_can_be_had_again_is_taken(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/settings", allow="Failed to load resource")
    settle(page)
    page.route(EVENTS, cut, times=1)
    with page.expect_response(lambda answer: "/api/events" in answer.url and answer.ok):
        page.goto(f"{seeded.url}/flow-runs?name=late-swan")
    seeded.seeder.start_run(name="late-swan")
    expect(page.get_by_role("row").filter(has_text="late-swan").get_by_text("Running")).to_be_visible(
        timeout=PATIENCE_MS
    )


def test_who_may_not_list_everything_follows_what_they_may(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/settings", allow="Failed to load resource")
    settle(page)
    rights = {"flows": ["list"], "flowruns": ["list"], "workqueues": ["list"]}
    session = {"user": "reader", "how": "proxy", "everywhere": rights, "namespaces": []}
    page.route("**/api/session*", lambda route: route.fulfill(json=session))

    def judge(route: Route) -> None:
        if "kind=blocks" in route.request.url:
            route.fulfill(status=403, json={"detail": "You may not list blocks.", "code": "forbidden", "status": 403})
        else:
            route.continue_()

    page.route(EVENTS, judge)
    with page.expect_response(lambda answer: "/api/events" in answer.url and answer.ok) as followed:
        page.goto(f"{seeded.url}/work-queues")
    asked = followed.value.url
    assert "kind=work-queues" in asked and "kind=blocks" not in asked
    seeded.seeder.ask("PUT", "/work-queues", json={"name": "new-lane", "spec": {}})
    expect(page.get_by_role("row").filter(has_text="new-lane")).to_be_visible(timeout=PATIENCE_MS)


def test_a_part_of_a_page_that_does_not_come_is_fetched_anew(open_page: OpenPage) -> None:
    page = open_page("/settings", allow="Failed to load resource")
    settle(page)
    page.route("**/assets/Automations-*", cut, times=1)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Automations").click()
    expect(page.get_by_role("row").filter(has_text="hung")).to_be_visible(timeout=PATIENCE_MS)
