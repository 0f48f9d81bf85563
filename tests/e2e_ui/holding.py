# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""What holds of every page: its width, whatever that is, and what axe asks of it. Leaves a picture of each width."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, TimeoutError

from tests.e2e_ui.conftest import SHOTS, settle

AXE = (Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js").read_text()
SIZES = {400: 850, 1280: 800, 3840: 2160}
RULES = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": True}}}


def check_page(page: Page, name: str, theme: str, *, whole: bool = False) -> None:
    """Fails for a page that is wider than its window, or in which axe finds a serious fault.

    Args:
        page: as it is shown now.
        name: of its pictures.
        theme: the one that it is shown in.
        whole: whether the pictures show what is below the window, too.
    """
    settle(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=whole)
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
