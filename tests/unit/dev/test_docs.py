"""The documentation holds together: no link leads nowhere, and every page can be found from the first."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links_of(page: Path) -> list[str]:
    """The links of a page to others of this project."""
    found = _LINK.findall(_CODE.sub("", page.read_text()))
    return [link.partition("#")[0] for link in found if not link.startswith(("http://", "https://", "#", "mailto:"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links_of(page) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in links_of(index)}
    left_out = [str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md") if page not in linked | {index}]
    assert left_out == []
