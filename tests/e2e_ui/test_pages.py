# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""Every page, in both themes and three widths: it holds its width, says nothing to the console, and axe finds no serious fault."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError

from tests.e2e_ui.conftest import SHOTS, OpenPage, Seeded, settle

AXE = (Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js").read_text()
PAGES = {
    "dashboard": "/",
    "flow-runs": "/flow-runs",
    "flow-runs-none": "/flow-runs?name=nobody",
    "flow-run": "/flow-runs/{run_id}",
    "flow-run-tasks": "/flow-runs/{run_id}?tab=tasks",
    "flow-run-subflows": "/flow-runs/{run_id}?tab=subflows",
    "flow-run-artifacts": "/flow-runs/{run_id}?tab=artifacts",
    "flow-run-paused": "/flow-runs/{paused_run_id}",
    "flow-run-parameters": "/flow-runs/{run_id}?tab=parameters",
    "flow-run-states": "/flow-runs/{run_id}?tab=states",
    "flow-run-attempts": "/flow-runs/{run_id}?tab=attempts",
    "flow-run-wide": "/flow-runs/{wide_run_id}",
    "flow-run-hostile": "/flow-runs/{hostile_run_id}",
    "flow-run-hostile-tasks": "/flow-runs/{hostile_run_id}?tab=tasks",
    "task-run": "/task-runs/{task_id}",
    "task-run-inputs": "/task-runs/{task_id}?tab=inputs",
    "flows": "/flows",
    "flow": "/flows/{flow_id}",
    "deployments": "/deployments",
    "deployment": "/deployments/{deployment[id]}",
    "deployment-schedules": "/deployments/{deployment[id]}?tab=schedules",
    "deployment-manifest": "/deployments/{deployment[id]}?tab=manifest",
    "calendar": "/calendar",
    "artifacts": "/artifacts",
    "artifact": "/artifacts/{artifact_id}",
    "work-queues": "/work-queues",
    "blocks": "/blocks",
    "block-types": "/blocks?tab=types",
    "notifications": "/notifications",
    "automations": "/automations",
    "automation": "/automations?shown={automation_id}",
    "concurrency-limits": "/concurrency-limits",
    "settings": "/settings",
    "nowhere": "/nowhere",
}
SIZES = {400: 850, 1280: 800, 3840: 2160}
RULES = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": True}}}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_at_every_width(open_page: OpenPage, seeded: Seeded, name: str, theme: str) -> None:
    page = open_page(PAGES[name].format(**vars(seeded)), theme=theme)
    settle(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png")
        # Charts take a new width a moment after the page has.
        wide = "() => document.documentElement.scrollWidth - window.innerWidth"
        try:
            page.wait_for_function(f"{wide} <= 0")
        except TimeoutError:
            raise AssertionError(f"{name} is {page.evaluate(wide)} px too wide at {width} px") from None
    page.set_viewport_size({"width": 1280, "height": 800})
    settle(page)
    page.evaluate(AXE)
    result: dict[str, Any] = page.evaluate("rules => window.axe.run(document, rules)", RULES)
    serious = [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in result["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]
    assert serious == []
    assert page.title() != "pwned"


def test_an_unknown_run_says_so(open_page: OpenPage) -> None:
    page = open_page("/flow-runs/00000000-0000-7000-8000-000000000000", allow="404")
    page.get_by_role("alert").get_by_text("There is no flow run").wait_for()
