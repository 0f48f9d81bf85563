"""How the tests compare what a page documents with what a command prints."""

import pytest

from tests.support.walkthrough import matches


@pytest.mark.parametrize(
    ("documented", "printed", "same"),
    [
        ("", "", True),
        ("", "x\n", False),
        ("a\n", "a\n", True),
        ("a\n", "", False),
        ("a …\n", "a 12\n", True),
        ("a\n…\nb\n", "a\nx\ny\nb\n", True),
        ("a\n…\n", "a\n", True),
        ("Name  State\n", "Name     State\n", True),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_a_page_shows_is_compared(documented: str, printed: str, same: bool) -> None:
    assert matches(documented, printed) is same
