# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""A real server with real runs, and a real Chromium that looks at its pages.

Needs what `make ui` builds, and Chromium: TOWPATH_CHROMIUM, else /usr/bin/chromium. Run by `make test-ui`.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.e2e_ui.seeding import Seeder
from tests.support.server_process import free_port
from towpath_operator.api.ui_files import UI_DIST

CHROMIUM = os.environ.get("TOWPATH_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
"""How long a test waits for a condition; a busy machine is no fault of a page."""
SHOTS = Path(os.environ.get("TOWPATH_UI_SCREENSHOTS", Path(__file__).parents[2] / "build" / "screenshots"))


class Server:
    """A `towpath server start` process on a free port, with a home of its own."""

    def __init__(self, home: Path, port: int = 0, **environment_too: str) -> None:
        environment = os.environ | {"TOWPATH_HOME": str(home)} | environment_too
        command = [
            str(Path(sys.executable).with_name("towpath")),
            "server",
            "start",
            "--port",
            str(port or free_port()),
        ]
        self._log = (home / "server.log").open("ab")
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self._log)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(rb"dashboard is at (http://[\d.]+:(\d+))", line):
                self.url, self.port = found[1].decode(), int(found[2])
                return
        raise AssertionError(f"The server did not start: {(home / 'server.log').read_text()}")

    def stop(self) -> None:
        """Ends it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


@dataclass
class Seeded:
    """The server of all tests, and what is in it."""

    url: str
    seeder: Seeder
    deployment: dict[str, Any]
    run_id: str
    task_id: str
    wide_run_id: str
    hostile_run_id: str
    flow_id: str
    paused_run_id: str
    artifact_id: str
    automation_id: str


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Seeded]:
    """A server with real and hostile runs."""
    assert (UI_DIST / "index.html").is_file(), "The UI is not built: run `make ui` first."
    home = tmp_path_factory.mktemp("server")
    server = Server(home)
    seeder = Seeder(server.url, home)
    run = seeder.run_example("examples/etl/etl.py", "etl")
    deployment = seeder.declare()
    hostile = seeder.make_hostile_run()
    automation = seeder.declare_automations()
    wide = seeder.make_wide_run(5_000, "five-thousand")
    seeder.make_runs(250, "many")
    seeder.end_run(
        seeder.start_run(name="lost-heron"), "CRASHED", message="The pod was killed for its memory (OOMKilled)."
    )
    task = seeder.ask("GET", "/task-runs", params={"flow_run_id": run["id"]})["items"][0]
    seeder.make_artifacts(run["id"])
    paused = seeder.pause_run(seeder.start_run(name="patient-toad"))
    artifact = seeder.ask("GET", "/artifacts", params={"key": "boats"})["items"][0]
    yield Seeded(
        url=server.url,
        seeder=seeder,
        deployment=deployment,
        run_id=run["id"],
        task_id=task["id"],
        wide_run_id=wide,
        hostile_run_id=hostile,
        flow_id=run["flow_id"],
        paused_run_id=paused,
        artifact_id=artifact["id"],
        automation_id=automation,
    )
    seeder.client.close()
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, seeded: Seeded) -> Generator[OpenPage]:
    """Opens an address in a window of its own. A fault on the console or a request to another host fails the test."""
    faults: list[str] = []
    # Network interfaces of other programs come and go; Chromium then drops its requests, and the page asks again.
    allowed = ["ERR_NETWORK_CHANGED"]
    bases = [seeded.url]

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in allowed):
            faults.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((*bases, "blob:")):
            faults.append(f"a request to {request.url}")

    def open_(
        path: str, *, width: int = 1280, height: int = 800, theme: Any = "light", base: str = "", allow: str = ""
    ) -> Page:
        if allow:
            allowed.append(allow)
        if base:
            bases.append(base)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", on_request)
        page.goto((base or seeded.url) + path)
        return page

    yield open_
    for context in browser.contexts:
        context.close()
    assert faults == []


def settle(page: Page) -> None:
    """Waits until a page shows what it was asked for: a heading, and no placeholder."""
    page.locator("h1, [role=alert] h2, main h2").first.wait_for()
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    page.wait_for_load_state("load")
