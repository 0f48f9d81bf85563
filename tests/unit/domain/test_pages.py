"""Cursors of lists."""

import pytest

from towpath_operator.domain.pages import decode_cursor, encode_cursor
from towpath_operator.domain.refusals import InvalidRequest


def test_a_cursor_brings_back_its_keys() -> None:
    assert decode_cursor(encode_cursor((5, "a/ü")), int, str) == (5, "a/ü")


@pytest.mark.parametrize(
    "text", ["", "!", "bm9wZQ", encode_cursor((1,)), encode_cursor(("1", "x")), encode_cursor((1, 2))]
)
def test_what_is_no_cursor_of_the_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        decode_cursor(text, int, str)
