# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""The page of automations, against a real API: made, followed, paused, changed, deleted; what it teaches and what it does not offer."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e_ui.conftest import OpenPage, Seeded, settle
from tests.e2e_ui.seeding import HTML_FLOW

RUNS = ("flows", "deployments", "flowruns", "workqueues", "blocks")


def choose(page: Page, row: Locator, item: str) -> None:
    """Chooses from the menu of a row."""
    row.get_by_role("button", name=re.compile("^More for ")).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def fill_and_save(form: Locator, **fields: str) -> None:
    for label, text in fields.items():
        form.get_by_role("textbox", name=label).fill(text)
    form.get_by_role("button", name="Save").click()


def test_an_automation_is_made_acts_and_says_so_on_the_open_page(open_page: OpenPage, seeded: Seeded) -> None:
    seeded.seeder.ask("PUT", "/work-queues", json={"name": "leaky-lane", "spec": {}})
    page = open_page("/automations")
    page.get_by_role("button", name="New automation").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("leak alarm")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Please look at the fields that are marked.")).to_be_visible()
    expect(form.get_by_text("Choose at least one block to tell")).to_be_visible()
    form.get_by_role("combobox", name="Action 1").select_option(label="Pause a work queue")
    form.get_by_label("Work queue").fill("leaky-lane")
    form.get_by_label("Flows").fill("leaking")
    page.keyboard.press("Enter")
    words = "When a run of the flow leaking becomes Failed or Crashed: pause the queue leaky-lane."
    expect(form.get_by_role("status", name="In words")).to_have_text(words)
    form.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="leak alarm")
    expect(row.get_by_text("A run of the flow leaking becomes Failed or Crashed")).to_be_visible()
    expect(row.get_by_text("Pause the queue leaky-lane")).to_be_visible()

    seeded.seeder.end_run(seeded.seeder.start_run("leaking", name="wet-vole"), "FAILED")
    expect(row.get_by_text("Done", exact=True)).to_be_visible()
    row.get_by_role("link", name="leak alarm").click()
    did = page.get_by_role("list", name="What it had to do").get_by_role("listitem")
    expect(did).to_contain_text("wet-vole became Failed")
    page.reload()
    expect(did.get_by_text("Done", exact=True)).to_be_visible()
    assert seeded.seeder.ask("GET", "/work-queues", params={"name": "leaky-lane"})["items"][0]["spec"]["paused"]
    did.get_by_role("link", name="wet-vole").click()
    expect(page.get_by_role("heading", name="wet-vole")).to_be_visible()


def test_an_automation_is_paused_changed_deleted_and_put_back(open_page: OpenPage, seeded: Seeded) -> None:
    actions = [{"cancelRun": {}}, {"pauseDeployment": {}}]
    spec = {"trigger": {"states": ["RUNNING"], "tags": ["rafts"]}, "actions": actions}
    seeded.seeder.ask("PUT", "/automations", json={"name": "raft guard", "spec": spec})
    page = open_page("/automations")
    row = page.get_by_role("row").filter(has_text="raft guard")
    row.get_by_role("switch", name="raft guard is on").press("Space")
    expect(row.get_by_text("paused", exact=True)).to_be_visible()
    choose(page, row, "Resume")
    expect(row.get_by_role("switch", name="raft guard is on")).to_be_checked()

    choose(page, row, "Edit")
    form = page.get_by_role("dialog")
    form.get_by_text("Act if it hangs", exact=True).click()
    fill_and_save(form, Within="soon")
    expect(form.get_by_text("Give a duration, as 90s, 15m, 1h30m or 7d.")).to_be_visible()
    form.get_by_role("button", name="Do action 2 earlier").click()
    fill_and_save(form, Within="90m")
    expect(row.get_by_text("has not reached Completed within 90 minutes of Running")).to_be_visible()
    expect(row.get_by_text("Pause the run’s own deployment, then cancel the run")).to_be_visible()
    choose(page, row, "Manifest")
    manifest = page.get_by_role("dialog").get_by_label("manifest", exact=True)
    expect(manifest).to_contain_text("kind: Automation")
    expect(manifest).to_contain_text("    - pauseDeployment: {}\n    - cancelRun: {}")
    page.get_by_role("button", name="Close").click()

    choose(page, row, "Delete")
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    [kept] = seeded.seeder.ask("GET", "/automations", params={"name": "raft guard"})["items"]
    assert (kept["spec"]["trigger"]["within"], kept["spec"]["trigger"]["tags"]) == ("90m", ["rafts"])


def test_what_the_server_refuses_is_said_in_the_form(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/automations", allow="422")
    page.get_by_role("button", name="New automation").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("bad words")
    form.get_by_label("Tell").click()
    page.get_by_role("option", name="slack-webhook/team").click()
    page.keyboard.press("Escape")
    fill_and_save(form, Message="{{ flow }}")
    expect(form.get_by_role("alert").filter(has_text="is not a template that can be used")).to_be_visible()
    expect(form.get_by_role("textbox", name="Message")).to_have_value("{{ flow }}")


def test_hostile_automations_are_text_and_nothing_else(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/automations")
    row = page.get_by_role("row").filter(has_text="<img src=x")
    expect(row.get_by_text("then pause the queue")).to_be_attached()
    box = row.bounding_box()
    assert box is not None and box["height"] < 80
    choose(page, row, "What it did")
    rule = page.get_by_role("region", name="What it does")
    expect(rule.get_by_role("listitem")).to_have_count(10)
    overflow = rule.evaluate("box => box.scrollWidth - box.clientWidth")
    assert overflow <= 0
    page.get_by_role("button", name="Close").click()
    choose(page, row, "Edit")
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Name")).to_have_value(HTML_FLOW)
    assert page.locator("main img, [role=dialog] img").count() == 0
    assert page.title() != "pwned"


def test_the_palette_leads_to_what_an_automation_did(open_page: OpenPage) -> None:
    page = open_page("/")
    settle(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find a page or a run")).to_be_focused()
    page.keyboard.type("hung")
    page.get_by_role("option").filter(has_text="hung").filter(has_text="Automation").click()
    expect(page.get_by_role("dialog").get_by_text("slow-coot")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page).to_have_url(re.compile(r"/automations$"))


def test_without_automations_the_page_shows_how_to_make_one(open_page: OpenPage) -> None:
    page = open_page("/settings")
    settle(page)
    page.route(
        "**/api/automations?*", lambda route: route.fulfill(json={"items": [], "total": 0, "total_capped": False})
    )
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Automations").click()
    expect(page.get_by_text("towpath automation create hung")).to_be_visible()
    expect(page.get_by_text("kind: Automation")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(2)


def test_who_may_only_look_is_offered_nothing_to_change(open_page: OpenPage, seeded: Seeded) -> None:
    page = open_page("/settings")
    settle(page)
    rights: dict[str, list[str]] = {resource: ["list"] for resource in (*RUNS, "automations")}
    session: dict[str, Any] = {"user": "reader", "how": "proxy", "everywhere": rights, "namespaces": []}
    page.route("**/api/session*", lambda route: route.fulfill(json=session))
    page.goto(f"{seeded.url}/automations")
    row = page.get_by_role("row").filter(has_text="hung")
    expect(row.get_by_role("switch")).to_be_disabled()
    expect(page.get_by_role("button", name="New automation")).to_be_hidden()
    row.get_by_role("button", name="More for hung").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Manifest", "What it did"])


def test_one_that_a_resource_declares_says_where_changes_go(open_page: OpenPage, seeded: Seeded) -> None:
    def declared(route: Route) -> None:
        answer = route.fetch()
        page_of_them = answer.json()
        for item in page_of_them["items"]:
            item["resource"] = {"name": f"{item['id'][:8]}-manifest", "uid": item["id"], "generation": 1}
        route.fulfill(response=answer, json=page_of_them)

    page = open_page("/settings")
    settle(page)
    page.route("**/api/automations?*", declared)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Automations").click()
    choose(page, page.get_by_role("row").filter(has_text="hung"), "Edit")
    expect(
        page.get_by_role("dialog").get_by_text(f"It is the resource {seeded.automation_id[:8]}-manifest")
    ).to_be_visible()
