# Playwright is installed for the UI's tests and pictures only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""`python -m dev.ui.screenshots`: makes the pictures of README and docs in docs/images, of a real server with real runs.

Needs the built UI and Chromium (TOWPATH_CHROMIUM, else /usr/bin/chromium).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from dev.ui.pictures import shrink
from dev.ui.story import tell_automations, tell_going_run, tell_story
from tests.e2e_ui.conftest import CHROMIUM, FLAGS, Server, settle
from tests.e2e_ui.seeding import Seeder

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, HEIGHT = 1280, 800
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Picture:
    """One picture in both themes: an address, and what is pressed before it is taken."""

    name: str
    path: str
    press: tuple[str, ...] = ()


PICTURES = (
    Picture("dashboard", "/?range=24h"),
    Picture("flow-runs", "/flow-runs"),
    Picture("flow-run", "/flow-runs/{run}"),
    Picture("graph", "/flow-runs/{run}", ("Graph",)),
    Picture("calendar", "/calendar"),
    Picture("schedule", "/deployments/{deployment}?tab=schedules", ("New schedule",)),
    Picture("block-types", "/blocks?tab=types"),
    Picture("artifact", "/artifacts/{artifact}"),
    Picture("automations", "/automations"),
)


def main() -> None:
    """Starts a server, tells it the story, and takes every picture in both themes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home))
        seeder = Seeder(server.url, Path(home))
        try:
            tell_story(seeder)
            [deployment] = seeder.ask("GET", "/deployments", params={"name": "hourly"})["items"][:1]
            [artifact] = seeder.ask("GET", "/artifacts", params={"key": "levels", "limit": 1})["items"]
            _take_all(server.url, seeder, {"deployment": deployment["id"], "artifact": artifact["id"]})
        finally:
            seeder.client.close()
            server.stop()


def _take_all(url: str, seeder: Seeder, ids: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        contexts = {
            theme: chromium.new_context(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme, timezone_id="Europe/Amsterdam"
            )
            for theme in THEMES
        }
        for picture in PICTURES:
            if picture.name == "automations":
                tell_automations(seeder)  # after the others: what they do would show there
            for theme, context in contexts.items():
                if "{run}" in picture.path:
                    ids["run"] = tell_going_run(seeder)  # now, so that it is under way in the picture
                page = context.new_page()
                page.goto(url + picture.path.format(**ids))
                _take(page, picture, IMAGES / f"{picture.name}-{theme}.png")
                page.close()
        chromium.close()


def _take(page: Page, picture: Picture, path: Path) -> None:
    settle(page)
    for text in picture.press:
        page.get_by_text(text, exact=True).first.click()
        settle(page)
    page.wait_for_timeout(800)  # charts and graphs draw after what they show has come
    taken = page.screenshot()
    path.write_bytes(shrink(taken))
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB", flush=True)


if __name__ == "__main__":
    main()
