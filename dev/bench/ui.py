# Playwright is installed for the UI's tests and measurements only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""Measures the pages in Chromium: how soon they are there, how they filter a million runs, how 5,000 tasks scroll and are laid out.

`python -m dev.bench ui`, or `python -m dev.bench.ui --runs 100000` for a quick look. Needs the built UI and Chromium. The runs lie in a
PostgreSQL database that is filled for the purpose; the timeline and the graph are of a run on a server of their own.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.bench.ingest import server as serve_database
from dev.bench.many_runs import fill
from tests.e2e_ui.seeding import Seeder
from tests.support.api import make_id
from tests.support.postgres import run_postgres
from towpath_operator.api.ui_files import UI_DIST
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database

RUNS = 1_000_000
TASKS = 5_000
ROUNDS = 5
STEPS = 40
FRAME_LIMIT_MS = 50.0


@dataclass(frozen=True)
class Measured:
    """One row: the values of each round in `unit`, and what they must stay under."""

    name: str
    unit: str
    values: list[float]
    under: float

    @property
    def reached(self) -> bool:
        """Whether the median stays under it."""
        return statistics.median(self.values) < self.under


def measure_first_visit(browser: Any, url: str) -> list[Measured]:
    """A first visit with nothing kept: until something is painted, and until the list can be used."""
    painted: list[float] = []
    usable: list[float] = []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(f"{url}/flow-runs")
        page.get_by_role("table", name="Flow runs").get_by_role("row").nth(3).wait_for()
        usable.append(page.evaluate("performance.now()"))
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        painted.append(page.evaluate(paint))
        context.close()
    return [Measured("first paint", "ms", painted, 1_000), Measured("list of runs usable", "ms", usable, 1_500)]


def measure_bundle() -> Measured:
    """What the first page loads, packed."""
    html = (UI_DIST / "index.html").read_text()
    names = [part.split('"')[0] for part in html.split('="/')[1:] if part.split('"')[0].endswith((".js", ".css"))]
    size = sum((UI_DIST / f"{name}.gz").stat().st_size for name in names) + (UI_DIST / "index.html.gz").stat().st_size
    return Measured("initial bundle, gzipped", "KB", [size / 1024], 250)


def measure_filter(browser: Any, url: str, runs: int) -> Measured:
    """From the choice of a filter to its painted list."""
    took: list[float] = []
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    for state in ("Failed", "Crashed", "Cancelled", "Completed", "Failed")[:ROUNDS]:
        page.goto(f"{url}/flow-runs")
        page.get_by_role("table", name="Flow runs").get_by_role("row").nth(3).wait_for()
        page.get_by_role("button", name="State").click()
        box = page.get_by_role("checkbox", name=state, exact=True)
        box.wait_for()
        took.append(page.evaluate(_FILTERED, [state]))
    page.close()
    return Measured(f"filter to painted list, {runs:,} runs", "ms", took, 500)


_FILTERED = """async ([state]) => {
    const box = [...document.querySelectorAll('input[type=checkbox]')].find(each => each.labels?.[0]?.textContent.trim() === state)
    const painted = () => {
        const badges = [...document.querySelectorAll('[role=table] [data-state]')]
        const stale = document.querySelector('[role=table][data-stale]')
        return !stale && badges.length > 3 && badges.every(badge => badge.dataset.state === state.toUpperCase())
    }
    const begun = performance.now()
    box.click()
    while (!painted()) await new Promise(requestAnimationFrame)
    await new Promise(requestAnimationFrame)
    return performance.now() - begun
}"""


def measure_timeline(browser: Any, url: str, run: str) -> list[Measured]:
    """The timeline of many tasks while it is scrolled: tasks of the main thread, and scripting for each step, of a trace."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{url}/flow-runs/{run}")
    page.get_by_role("group", name=f"Timeline of {TASKS} task runs").get_by_role("link").nth(5).wait_for()
    page.wait_for_timeout(2_000)  # for the log and the rest of the page to be there: the scrolling is what is measured
    browser.start_tracing(
        page=page,
        categories=[
            "devtools.timeline",
            "blink.user_timing",
            "toplevel",
            "v8",
            "disabled-by-default-devtools.timeline",
        ],
    )
    page.evaluate(_SCROLL, [STEPS])
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.close()
    longest, scripting = read_trace(events)
    return [
        Measured(f"timeline of {TASKS:,} tasks, longest task while scrolling", "ms", [longest], FRAME_LIMIT_MS),
        Measured(f"timeline of {TASKS:,} tasks, scripting for each step", "ms", [scripting / STEPS], 8),
    ]


_SCROLL = """async ([steps]) => {
    const box = document.querySelector('[aria-label^="Timeline of"]')
    performance.mark('scroll-begins')
    for (let step = 0; step < steps; step += 1) {
        box.scrollBy(0, 400)
        await new Promise(requestAnimationFrame)
        await new Promise(requestAnimationFrame)
    }
    performance.mark('scroll-ends')
}"""


def read_trace(events: list[dict[str, Any]]) -> tuple[float, float]:
    """Of a trace between the marks: the longest task of the page's main thread and all its scripting, in milliseconds."""
    marks = {event["name"]: event for event in events if event["name"] in ("scroll-begins", "scroll-ends")}
    begun, ended = marks["scroll-begins"], marks["scroll-ends"]
    thread = (begun["pid"], begun["tid"])
    within = [
        event
        for event in events
        if event.get("ph") == "X"
        and (event["pid"], event["tid"]) == thread
        and begun["ts"] <= event["ts"] <= ended["ts"]
    ]
    tasks = [event["dur"] for event in within if event["name"] in ("RunTask", "ThreadControllerImpl::RunTask")]
    scripts = [
        event["dur"] for event in within if event["name"] in ("FunctionCall", "FireAnimationFrame", "EvaluateScript")
    ]
    return max(tasks, default=0) / 1_000, sum(scripts) / 1_000


def measure_graph(browser: Any, url: str, run: str) -> Measured:
    """How long the worker takes to place every task run."""
    took: list[float] = []
    for _ in range(ROUNDS):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{url}/flow-runs/{run}")
        page.get_by_text("Graph", exact=True).click()
        page.locator(".react-flow__node").first.wait_for()
        page.get_by_role("switch", name="One box for each task").click()
        took.append(page.evaluate(_PLACED))
        page.close()
    return Measured(f"graph of {TASKS:,} task runs placed, in a worker", "ms", took, 2_000)


_PLACED = """() => new Promise(resolve => {
    const look = () => {
        const [measure] = performance.getEntriesByName('towpath:graph-placed')
        if (measure === undefined) setTimeout(look, 20)
        else resolve(measure.duration)
    }
    look()
})"""


def measure_live(browser: Any, url: str, seeder: Seeder) -> Measured:
    """From the answer to an event's teller until the open page shows it."""
    took: list[float] = []
    for round_ in range(ROUNDS):
        run = seeder.start_run(name=f"live-{round_}-{make_id()[-4:]}")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{url}/flow-runs/{run}")
        page.get_by_role("main").get_by_text("Running", exact=True).wait_for()
        page.wait_for_timeout(1_000)  # for the page to be told of changes
        begun = time.monotonic()
        seeder.end_run(run, "FAILED", message="It broke.")
        page.get_by_role("main").get_by_text("Failed", exact=True).wait_for()
        took.append((time.monotonic() - begun) * 1_000)
        page.close()
    return Measured("a state change on an open page", "ms", took, 1_000)


def build_table(measures: list[Measured]) -> str:
    """A Markdown table."""
    lines = ["| measure | median | worst | to stay under | |", "|---|---:|---:|---:|---|"]
    for one in measures:
        verdict = "reached" if one.reached else "**not reached**"
        lines.append(
            f"| {one.name} | {statistics.median(one.values):.4g} {one.unit} | {max(one.values):.4g} {one.unit} | {one.under:g} {one.unit} | {verdict} |"
        )
    return "\n".join(lines)


async def _prepare(postgres: Any, runs: int) -> None:
    await postgres.execute("CREATE DATABASE bench")
    database = Database(postgres.url("bench"))
    await migrate.upgrade(database)
    await database.close()
    await fill(postgres.url("bench").replace("+asyncpg", ""), runs)


def main(runs: int = RUNS) -> str:
    """Measures all of it, and returns the table."""
    # Playwright is not installed but for the UI's tests and measurements.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    from tests.e2e_ui.conftest import CHROMIUM, FLAGS, Server  # noqa: PLC0415

    def with_browser(work: Callable[[Any], list[Measured]]) -> list[Measured]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                return work(browser)
            finally:
                browser.close()

    measures = [measure_bundle()]
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home))
        seeder = Seeder(server.url, Path(home))
        try:
            run = seeder.make_wide_run(TASKS, "five-thousand")
            seeder.make_runs(30, "many")
            measures += with_browser(
                lambda browser: [
                    *measure_first_visit(browser, server.url),
                    *measure_timeline(browser, server.url, run),
                    measure_graph(browser, server.url, run),
                    measure_live(browser, server.url, seeder),
                ]
            )
        finally:
            seeder.client.close()
            server.stop()
    with run_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_prepare(postgres, runs))
        with serve_database(postgres.url("bench"), Path(folder)) as (address, _):
            url = address.removesuffix("/api")
            measures += with_browser(lambda browser: [measure_filter(browser, url, runs)])
    return f"Chromium of Debian, without a GPU. Load average {os.getloadavg()[0]:.1f}.\n\n{build_table(measures)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    print(main(parser.parse_args().runs))
