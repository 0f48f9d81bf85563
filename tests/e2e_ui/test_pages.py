# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""Every page, in both themes and three widths: it holds its width, says nothing to the console, and axe finds no serious fault."""

import pytest

from tests.e2e_ui.conftest import OpenPage, Seeded
from tests.e2e_ui.holding import check_page

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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_at_every_width(open_page: OpenPage, seeded: Seeded, name: str, theme: str) -> None:
    page = open_page(PAGES[name].format(**vars(seeded)), theme=theme)
    check_page(page, name, theme)


def test_an_unknown_run_says_so(open_page: OpenPage) -> None:
    page = open_page("/flow-runs/00000000-0000-7000-8000-000000000000", allow="404")
    page.get_by_role("alert").get_by_text("There is no flow run").wait_for()
