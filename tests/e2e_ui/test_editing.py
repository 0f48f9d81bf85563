# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""What people make and change on the pages, against a real API: schedules, blocks, notifications, limits, and runs under way."""

import re

from playwright.sync_api import Page, expect

from tests.e2e_ui.conftest import OpenPage, Seeded, settle
from tests.support.api import make_id


def toast(page: Page, text: str) -> None:
    expect(page.get_by_role("alert").filter(has_text=text).first).to_be_visible()


def test_a_schedule_is_made_changed_paused_deleted_and_put_back(open_page: OpenPage, seeded: Seeded) -> None:
    address = f"/deployments/{seeded.deployment['id']}"
    page = open_page(f"{address}?tab=schedules")
    page.get_by_role("button", name="New schedule").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("weekly")
    form.get_by_label("Cron expression").fill("0 25 * * 1")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Give five fields")).to_be_visible()
    form.get_by_role("button", name="Weekly").click()
    expect(form.get_by_text("Runs at 06:00, only on Monday")).to_be_visible()
    expect(form.get_by_role("region", name="Next times").get_by_role("row")).to_have_count(11)
    form.get_by_role("button", name="Save").click()
    card = page.get_by_role("region", name="Schedule weekly")
    expect(card.get_by_text("at 06:00, only on Monday")).to_be_visible()

    card.get_by_role("button", name="More for weekly").click()
    page.get_by_role("menuitem", name="Edit").click()
    form.get_by_text("Interval", exact=True).click()
    form.get_by_label("Every").fill("90m")
    form.get_by_role("button", name="Save").click()
    expect(card.get_by_text("every 90 minutes")).to_be_visible()

    card.get_by_role("button", name="More for weekly").click()
    page.get_by_role("menuitem", name="Pause").click()
    expect(card.get_by_text("It starts no run until it is resumed.")).to_be_visible()
    schedules = seeded.seeder.ask("GET", address)["spec"]["schedules"]
    assert [(each["interval"], each["paused"]) for each in schedules if each["name"] == "weekly"] == [("90m", True)]

    card.get_by_role("button", name="More for weekly").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(card).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()


def test_a_blocks_secret_goes_in_stays_when_left_blank_and_never_comes_out(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/blocks?tab=types")
    page.get_by_label("Find a type").fill("github")
    page.get_by_role("button", name="New block: GitHub", exact=True).click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill("dev")
    form.get_by_label("Repository").fill("https://github.com/example/flows.git")
    form.get_by_role("textbox", name="Access Token").fill("s3cr3t-value")
    form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="github/dev")
    expect(row.get_by_text("access_token")).to_be_visible()

    row.get_by_role("button", name="More for dev").click()
    page.get_by_role("menuitem", name="Edit").click()
    expect(form.get_by_role("textbox", name="Access Token")).to_have_value("")
    expect(form.get_by_role("textbox", name="Access Token")).to_have_attribute("placeholder", re.compile("^Kept"))
    form.get_by_label("Reference").fill("main")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    [block] = seeded.seeder.ask("GET", "/blocks", params={"name": "github/dev"})["items"]
    assert block["spec"]["config"]["reference"] == "main"
    assert [ref["field"] for ref in block["spec"]["secretRefs"]] == ["access_token"]
    assert "s3cr3t-value" not in page.content()

    row.get_by_role("button", name="More for dev").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog", name="Delete dev?").get_by_role("button", name="Delete").click()
    expect(row).to_be_hidden()


def test_a_notification_is_made_tried_and_looked_at(open_page: OpenPage, seeded: Seeded) -> None:
    block = {"name": "nobody", "spec": {"type": "webhook", "config": {}}, "secrets": {"url": "http://127.0.0.1:9/"}}
    seeded.seeder.ask("PUT", "/blocks", json=block)
    page = open_page("/notifications")
    page.get_by_role("button", name="New notification").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("late ones")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Choose at least one block to tell")).to_be_visible()
    form.get_by_label("Tell").click()
    page.get_by_role("option", name="webhook/nobody").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="late ones")
    expect(row.get_by_text("FAILED, CRASHED")).to_be_visible()
    row.get_by_role("button", name="More for late ones").click()
    page.get_by_role("menuitem", name="Send a test").click()
    toast(page, "webhook/nobody took no test message.")
    row.get_by_role("button", name="More for late ones").click()
    page.get_by_role("menuitem", name="Messages").click()
    expect(page.get_by_role("dialog").get_by_text("Nothing was sent yet")).to_be_visible()


def test_a_stuck_slot_is_seen_and_freed(open_page: OpenPage, seeded: Seeded) -> None:
    run_id, holder = seeded.seeder.start_run(name="greedy-pike"), make_id()
    asked = {"run_id": run_id, "attempt": 0, "holder": holder, "tags": ["database"], "wait_seconds": 0}
    assert seeded.seeder.ask("POST", "/slots", json=asked)["granted"]
    page = open_page("/concurrency-limits")
    page.get_by_role("button", name="Slots of database").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="greedy-pike")).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^Free ")).first.click()
    expect(dialog.get_by_text("No slot is held.")).to_be_visible()
    toast(page, "One holder was freed.")


def test_a_paused_run_is_resumed_with_what_it_waits_for(open_page: OpenPage, seeded: Seeded) -> None:
    run_id = seeded.seeder.pause_run(seeded.seeder.start_run(name="waiting-teal"))
    page = open_page(f"/flow-runs/{run_id}")
    page.get_by_role("button", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("<script>document.title='pwned'</script>")).to_be_visible()
    form.get_by_role("button", name="Resume").click()
    expect(form.get_by_text("This one is needed.")).to_be_visible()
    form.get_by_label("Boats").fill("3")
    form.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("main").get_by_text("Running", exact=True)).to_be_visible()
    assert seeded.seeder.ask("GET", f"/flow-runs/{run_id}")["state"]["type"] == "RUNNING"
    assert page.title().startswith("waiting-teal")


def test_a_run_is_paused_and_suspended_is_not_offered_without_a_deployment(open_page: OpenPage, seeded: Seeded) -> None:
    run_id = seeded.seeder.start_run(name="hasty-rail")
    page = open_page(f"/flow-runs/{run_id}")
    page.get_by_role("button", name="More to do with this run").click()
    expect(page.get_by_role("menuitem", name=re.compile("^Suspend"))).to_be_hidden()
    page.get_by_role("menuitem", name=re.compile("^Pause")).click()
    expect(page.get_by_role("main").get_by_text("Paused", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_cancelled_run_is_retried_and_run_again_with_other_parameters(open_page: OpenPage, seeded: Seeded) -> None:
    body = {"name": "once-more", "parameters": {"ticket": "A"}, "scheduled_time": "2100-01-01T00:00:00Z"}
    run = seeded.seeder.ask("POST", f"/deployments/{seeded.deployment['id']}/flow-runs", json=body)
    seeded.seeder.ask("POST", f"/flow-runs/{run['id']}/cancel")
    page = open_page(f"/flow-runs/{run['id']}")
    page.get_by_role("button", name="Retry").click()
    toast(page, "once-more is tried once more.")
    page.get_by_role("button", name="Run again").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_label("ticket")).to_have_value("A")
    form.get_by_label("ticket").fill("B")
    form.get_by_label("Name", exact=True).fill("the-other")
    form.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", name="the-other")).to_be_visible()
    [other] = seeded.seeder.ask("GET", "/flow-runs", params={"name": "the-other"})["items"]
    assert other["parameters"]["ticket"] == "B"


def test_runs_are_found_by_parts_and_parameters_sorted_and_deleted(open_page: OpenPage, seeded: Seeded) -> None:
    for name, days in (("gone-a", 1), ("gone-b", 2), ("kept", 3)):
        run_id = seeded.seeder.start_run(flow="sweep", name=name, parameters={"days": days})
        seeded.seeder.end_run(run_id)
    page = open_page("/flow-runs?flow=sweep")
    table = page.get_by_role("table", name="Flow runs")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("sort=name"))
    expect(table.get_by_role("link", name=re.compile("gone|kept"))).to_have_text(["gone-a", "gone-b", "kept"])
    page.get_by_role("button", name="Parameter").click()
    page.get_by_label("Search Parameter").fill("days=3")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(table.get_by_role("link", name=re.compile("gone|kept"))).to_have_text(["kept"])
    page.goto(f"{seeded.url}/flow-runs?flow=sweep")
    page.get_by_label("Name or id of a run").fill("GONE")
    expect(page.get_by_text("2 runs", exact=True)).to_be_visible()
    page.get_by_role("checkbox", name="Choose all runs that are loaded").check()
    page.get_by_role("button", name="Delete 2 ended").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    toast(page, "2 runs are deleted.")
    left = seeded.seeder.ask("GET", "/flow-runs", params={"flow": "sweep"})["items"]
    assert [run["name"] for run in left] == ["kept"]


def test_a_namespace_is_chosen_for_all_pages(open_page: OpenPage, seeded: Seeded) -> None:
    flow = {"namespace": "ml", "name": "train", "spec": {"entrypoint": "train.py:train"}}
    seeded.seeder.ask("PUT", "/flows", json=flow)
    page = open_page("/flows")
    page.get_by_role("combobox", name="Namespace").click()
    page.get_by_role("option", name="ml", exact=True).click()
    expect(page).to_have_url(re.compile(r"namespace=ml$"))
    expect(page.get_by_text("1 flow", exact=True)).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Deployments").click()
    expect(page.get_by_text("No deployment yet")).to_be_visible()
    page.get_by_role("combobox", name="Namespace").click()
    page.get_by_role("option", name="All namespaces").click()
    expect(page.get_by_role("row").filter(has_text="prod")).to_be_visible()


def test_the_calendar_shows_what_is_planned_and_leads_to_it(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/calendar")
    page.get_by_role("button", name="The month after").click()
    plan = page.get_by_role("link", name=re.compile("report.prod")).first
    expect(plan).to_be_visible()
    plan.click()
    expect(page.get_by_role("region", name="Schedule nightly")).to_be_visible()


def test_an_artifacts_versions_are_one_click_apart(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/artifacts")
    page.get_by_role("link", name="boats", exact=True).click()
    expect(page.get_by_role("cell", name="<b>Gent</b>")).to_be_visible()
    versions = page.get_by_role("region", name="Versions").get_by_role("link")
    expect(versions).to_have_count(2)
    versions.last.click()
    expect(page.get_by_role("cell", name="<b>Gent</b>")).to_be_hidden()
    page.goto(f"{seeded.url}/flow-runs/{seeded.run_id}?tab=artifacts")
    expect(page.get_by_role("progressbar", name="Loading")).to_be_visible()
    expect(page.get_by_text("<script>document.title='pwned'</script>")).to_be_visible()
    assert page.locator("main img").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0


def test_what_a_person_may_not_do_is_not_offered(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/settings")
    settle(page)
    rights = {resource: ["list"] for resource in ("flows", "deployments", "flowruns", "workqueues")}
    session = {"user": "reader", "how": "proxy", "everywhere": rights, "namespaces": []}
    page.route("**/api/session*", lambda route: route.fulfill(json=session))
    page.goto(f"{seeded.url}/deployments/{seeded.deployment['id']}?tab=schedules")
    expect(page.get_by_role("region", name="Schedule nightly")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Blocks")).to_be_hidden()
    for name in ("Run", "Pause schedules", "New schedule", "More for nightly"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_hidden()
