"""docs/how-to/blocks.md, command by command, as a person would go through it with nothing started."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.integration.local.test_tutorial import Walk
from tests.support.walkthrough import read_page

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "blocks.md"


@pytest.fixture
def walk(tmp_path: Path) -> Generator[Walk]:
    walk = Walk(tmp_path)
    yield walk
    walk.close_terminals()


def test_the_page_goes_as_it_says(walk: Walk) -> None:
    steps = list(read_page(PAGE))
    assert len(steps) > 12
    for step in steps:
        walk.take(step)
