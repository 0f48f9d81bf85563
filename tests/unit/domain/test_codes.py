"""State types and names as the tables hold them."""

import pytest

from towpath.contract.states import NAMES, TERMINAL, StateType
from towpath_operator.domain.codes import CODES, FIRST_ENDED, kept_name, parse_state_filter, shown_name


def test_every_type_has_a_code_and_ended_ones_come_last() -> None:
    assert set(CODES) == set(StateType)
    assert {state for state, code in CODES.items() if code >= FIRST_ENDED} == TERMINAL


@pytest.mark.parametrize("state", StateType)
def test_names_come_back_as_they_were(state: StateType) -> None:
    for name in (*NAMES[state], "Mine"):
        assert shown_name(CODES[state], kept_name(CODES[state], name)) == name
    assert kept_name(CODES[state], NAMES[state][0]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FAILED", (CODES[StateType.FAILED], None)),
        ("Failed", (CODES[StateType.FAILED], "Failed")),
        ("timedout", (CODES[StateType.FAILED], "TimedOut")),
        ("Mine", (None, "Mine")),
    ],
)
def test_a_filter_takes_types_and_names(text: str, expected: tuple[int | None, str | None]) -> None:
    assert parse_state_filter(text) == expected
