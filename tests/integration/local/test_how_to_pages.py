"""Pages of docs/how-to, command by command, as a person would go through them with nothing started."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.integration.local.test_tutorial import Walk
from tests.support.walkthrough import read_page

PAGES = Path(__file__).parents[3] / "docs" / "how-to"


@pytest.fixture
def walk(tmp_path: Path) -> Generator[Walk]:
    walk = Walk(tmp_path)
    yield walk
    walk.close_terminals()


@pytest.mark.parametrize("page", ["artifacts.md", "results.md", "coming-from-prefect.md", "limit-concurrency.md"])
def test_the_page_goes_as_it_says(walk: Walk, page: str) -> None:
    steps = list(read_page(PAGES / page))
    assert len(steps) > 2
    for step in steps:
        walk.take(step)
