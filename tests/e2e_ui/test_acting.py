# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""What people do on the pages, against a real API: find, filter, follow, cancel, start."""

import itertools
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e_ui.conftest import PATIENCE_MS, OpenPage, Seeded, Server, settle
from tests.e2e_ui.seeding import HTML_NAME, Seeder
from tests.support.api import make_log, make_state, make_task_run
from towpath.contract.ids import uuid7

SOON_MS = PATIENCE_MS
"""How long an open page may take to show what was told; the wall clock of a busy machine is not what is tested here."""


def test_a_run_that_begins_and_ends_is_followed_on_the_open_list(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/flow-runs?name=live-swan")
    page.get_by_text("No run matches these filters").wait_for()
    run_id = seeded.seeder.start_run(name="live-swan")
    row = page.get_by_role("row").filter(has_text="live-swan")
    expect(row.get_by_text("Running")).to_be_visible(timeout=SOON_MS)
    seeded.seeder.end_run(run_id, "FAILED", message="It broke.")
    expect(row.get_by_text("Failed")).to_be_visible(timeout=SOON_MS)


def test_tasks_logs_and_the_reason_arrive_on_the_open_page_of_a_run(open_page: OpenPage, seeded: Seeded) -> None:
    seeder = seeded.seeder
    run_id = seeder.start_run(name="open-newt")
    page = open_page(f"/flow-runs/{run_id}")
    page.get_by_text("No line yet").wait_for()
    task_id = str(uuid7())
    seeder.tell(
        run_id,
        [
            make_task_run(task_id, run_id, "measure", name="measure-0"),
            make_state(task_id, "RUNNING"),
            make_log(run_id, "the depth is two metres", task_run_id=task_id),
        ],
    )
    timeline = page.get_by_role("region", name="Task runs in time")
    expect(timeline.get_by_role("link", name="measure-0")).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("log").get_by_text("the depth is two metres")).to_be_visible(timeout=SOON_MS)
    seeder.end_run(run_id, "FAILED", message="ValueError: too shallow")
    expect(page.get_by_role("alert").get_by_text("ValueError: too shallow")).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()


def test_filters_live_in_the_address(open_page: OpenPage) -> None:
    page = open_page("/flow-runs")
    settle(page)
    page.get_by_role("button", name="State").click()
    page.get_by_role("checkbox", name="Crashed").check()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"\?state=CRASHED$"))
    expect(page.get_by_role("row").filter(has_text="lost-heron")).to_be_visible()
    expect(page.get_by_text("run-249")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("row").filter(has_text="lost-heron")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(re.compile(r"/flow-runs$"))


def test_a_long_list_is_scrolled_to_its_last_run(open_page: OpenPage) -> None:
    page = open_page("/flow-runs?flow=many")
    table = page.get_by_role("table", name="Flow runs")
    expect(page.get_by_text("250 runs")).to_be_visible()
    rows_in_page = table.get_by_role("row").count()
    assert rows_in_page < 60
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    while not table.get_by_text("run-0", exact=True).is_visible():
        assert time.monotonic() < deadline, "the list does not go on"
        table.evaluate("box => box.scrollBy(0, 4000)")
        page.wait_for_timeout(100)  # for the next page of the list to come
    expect(table.get_by_text("run-0", exact=True)).to_be_visible()
    assert table.get_by_role("row").count() < 60


def test_a_run_that_waits_is_cancelled_at_once(open_page: OpenPage, seeded: Seeded) -> None:
    deployment = seeded.deployment["id"]
    body = {"name": "unwanted-vole", "scheduled_time": "2100-01-01T00:00:00Z"}
    run = seeded.seeder.ask("POST", f"/deployments/{deployment}/flow-runs", json=body)
    page = open_page(f"/flow-runs/{run['id']}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert").filter(has_text="unwanted-vole is cancelled")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Cancelled", exact=True)).to_be_visible()
    assert seeded.seeder.ask("GET", f"/flow-runs/{run['id']}")["state"]["type"] == "CANCELLED"


def test_several_runs_are_cancelled_together(open_page: OpenPage, seeded: Seeded) -> None:
    deployment = seeded.deployment["id"]
    for name in ("twin-a", "twin-b"):
        body = {"name": name, "tags": ["twins"], "scheduled_time": "2100-01-01T00:00:00Z"}
        seeded.seeder.ask("POST", f"/deployments/{deployment}/flow-runs", json=body)
    page = open_page("/flow-runs?tag=twins&upcoming=yes")
    for name in ("twin-a", "twin-b"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Cancel 2 unfinished").click()
    expect(page.get_by_text("2 runs are cancelled or being cancelled.")).to_be_visible()
    expect(page.get_by_role("row").get_by_text("Cancelled")).to_have_count(2)


def test_the_form_of_a_deployment_checks_and_starts_a_run(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page(f"/deployments/{seeded.deployment['id']}")
    page.get_by_role("button", name="Run", exact=True).click()
    form = page.get_by_role("dialog")
    expect(form.get_by_label("ticket")).to_have_value("OPS-1")
    form.get_by_label("days").fill("a few")
    form.get_by_label("ticket").fill("")
    form.get_by_role("button", name="Run now").click()
    expect(form.get_by_text("Give a whole number.")).to_be_visible()
    expect(form.get_by_text("This one is needed.")).to_be_visible()
    form.get_by_label("days").fill("5")
    form.get_by_label("ticket").fill("OPS-7")
    form.get_by_label("Name", exact=True).fill("asked-for")
    form.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", name="asked-for")).to_be_visible()
    run = seeded.seeder.ask("GET", "/flow-runs", params={"name": "asked-for"})["items"][0]
    assert run["parameters"] == {"ticket": "OPS-7", "days": 5}


def test_schedules_are_paused_and_go_on(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page(f"/deployments/{seeded.deployment['id']}?tab=schedules")
    expect(page.get_by_text("at 02:00, Monday through Friday")).to_be_visible()
    page.get_by_role("button", name="Pause schedules").click()
    expect(page.get_by_role("button", name="Resume schedules")).to_be_visible()
    assert seeded.seeder.ask("GET", f"/deployments/{seeded.deployment['id']}")["spec"]["paused"] is True
    page.get_by_role("button", name="Resume schedules").click()
    expect(page.get_by_role("button", name="Pause schedules")).to_be_visible()


def test_a_log_is_searched_by_level_and_downloaded(open_page: OpenPage, seeded: Seeded, tmp_path: Path) -> None:
    page = open_page(f"/flow-runs/{seeded.hostile_run_id}")
    expect(page.get_by_text("2,001 lines")).to_be_visible()
    page.get_by_label("Search the log").fill("<b>line</b> 1999 ")
    expect(page.get_by_text("1 line", exact=True)).to_be_visible()
    page.get_by_label("Search the log").fill("")
    page.get_by_role("combobox", name="Level").click()
    page.get_by_role("option", name="Errors", exact=True).click()
    expect(page.get_by_text("41 lines")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "run.log")
    text = (tmp_path / "run.log").read_text()
    assert len(text.splitlines()) == 41
    assert "M" * 10_000 in text


def test_hostile_names_are_text_and_nothing_else(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page(f"/flow-runs/{seeded.hostile_run_id}?tab=parameters")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text(HTML_NAME)
    expect(page.get_by_text("</script><script>")).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.title().startswith(HTML_NAME)
    page.get_by_role("link", name="Flow Runs").first.click()
    settle(page)
    assert page.locator("main img, main script").count() == 0


def test_the_command_palette_finds_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/")
    settle(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find a page or a run")).to_be_focused()
    page.keyboard.type("report/prod")
    expect(page.get_by_role("option", name="report/prod")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="prod")).to_be_visible()


def test_the_timeline_of_five_thousand_tasks_keeps_few_rows_in_the_page(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page(f"/flow-runs/{seeded.wide_run_id}")
    box = page.get_by_role("group", name="Timeline of 5000 task runs")
    expect(box.get_by_role("link", name="task-0", exact=True)).to_be_visible()
    assert box.get_by_role("link").count() < 80
    box.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(box.get_by_role("link", name="task-4999", exact=True)).to_be_visible()
    assert box.get_by_role("link").count() < 80


def test_the_graph_shows_tasks_and_then_every_run(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page(f"/flow-runs/{seeded.wide_run_id}")
    page.get_by_text("Graph", exact=True).click()
    expect(page.locator(".react-flow__node").first).to_be_visible()
    expect(page.get_by_text("stage_0", exact=True)).to_be_attached()
    page.get_by_role("switch", name="One box for each task").click()
    expect(page.locator(".react-flow__node a").first).to_be_visible()


def test_colours_are_chosen_and_kept(open_page: OpenPage) -> None:
    page = open_page("/settings")
    page.get_by_role("button", name="Show dark colours").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


def test_the_menu_leads_everywhere_on_a_small_screen(open_page: OpenPage) -> None:
    page = open_page("/", width=400)
    page.get_by_role("button", name="Open the menu").click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Deployments").click()
    expect(page.get_by_role("heading", name="Deployments")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()


def test_a_first_visit_is_taught_what_to_do(open_page: OpenPage, tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        page = open_page("/", base=server.url)
        expect(page.get_by_text(f"export TOWPATH_API_URL={server.url}/api")).to_be_visible()
        for path in ("/flow-runs", "/flows", "/deployments", "/work-queues"):
            page.goto(server.url + path)
            expect(page.get_by_role("button", name=re.compile("^Copy")).first).to_be_visible()
        page.close()
    finally:
        server.stop()


def test_a_server_that_goes_away_is_said_to_and_found_again(open_page: OpenPage, tmp_path: Path) -> None:
    server = Server(tmp_path)
    seeder = Seeder(server.url, tmp_path)
    try:
        seeder.start_run(name="before-it")
        page = open_page("/flow-runs", base=server.url, allow="ERR_")
        expect(page.get_by_text("before-it")).to_be_visible()
        server.stop()
        expect(page.get_by_text("The server does not answer.")).to_be_visible()
        server = Server(tmp_path, server.port)
        seeder.start_run(name="after-it")
        expect(page.get_by_text("after-it")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("The server does not answer.")).to_be_hidden()
        page.close()
    finally:
        seeder.client.close()
        server.stop()


def test_a_server_with_a_token_asks_for_it_once_in_a_tab(open_page: OpenPage, tmp_path: Path) -> None:
    server = Server(tmp_path, TOWPATH_API_TOKEN="sesame")
    try:
        page = open_page("/flow-runs", base=server.url, allow="401")
        page.get_by_label("Token").fill("guess")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("The server does not take this token.")).to_be_visible()
        page.get_by_label("Token").fill("sesame")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("No flow has run yet")).to_be_visible()
        page.reload()
        expect(page.get_by_text("No flow has run yet")).to_be_visible()
        page.close()
    finally:
        server.stop()


def test_a_limit_is_made_changed_deleted_and_put_back(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/concurrency-limits")
    page.get_by_role("button", name="New limit").click()
    page.get_by_label("Tag").fill("crane")
    page.get_by_label("Task runs at once").fill("7")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="crane")
    expect(row.get_by_text("0 / 7")).to_be_visible()
    row.get_by_role("button", name="More for crane").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(row.get_by_text("0 / 7")).to_be_visible()


def test_a_queue_is_made_and_paused(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/work-queues")
    page.get_by_role("button", name="New queue").click()
    page.get_by_role("dialog").get_by_label("Name").fill("slow-lane")
    page.get_by_label("Runs at once").fill("2")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="slow-lane")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_role("button", name="Resume")).to_be_visible()
    spec = seeded.seeder.ask("GET", "/work-queues", params={"name": "slow-lane"})["items"][0]["spec"]
    assert (spec["paused"], spec["concurrencyLimit"]) == (True, 2)


def test_a_point_of_the_chart_leads_to_its_run(open_page: OpenPage) -> None:
    page = open_page("/flow-runs?flow=many")
    page.get_by_role("switch", name="Chart of durations").check()
    chart = page.get_by_role("img", name="Durations of 250 runs over time")
    expect(chart.locator("canvas")).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    tip = page.get_by_role("region", name="Durations").locator("strong")
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    steps = itertools.cycle(range(4, int(box["height"]), 12))  # all took as long: their points lie on one line across
    while not tip.is_visible():
        assert time.monotonic() < deadline, "no point of the chart is told of"
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + next(steps))
        page.evaluate("() => new Promise(shown => requestAnimationFrame(() => setTimeout(shown)))")
    name = tip.inner_text()
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/flow-runs"])
def test_a_page_can_be_used_by_keyboard_alone(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    settle(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
