"""Which of a writer's numbered events have been applied."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from towpath_operator.domain.sequences import MAX_RANGES, Applied

BATCHES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=40)


@given(BATCHES)
def test_every_number_is_new_exactly_once_whatever_the_order_of_batches(batches: list[tuple[int, int]]) -> None:
    applied, seen = Applied(), set[int]()
    for first, count in batches:
        new = [number for numbers in applied.missing(first, count) for number in numbers]
        assert new == sorted(set(range(first, first + count)) - seen)
        applied.add(first, count)
        seen.update(range(first, first + count))
    assert applied.highest == max(seen, default=0)


@given(BATCHES)
def test_ranges_stay_apart_and_in_order(batches: list[tuple[int, int]]) -> None:
    applied = Applied()
    for first, count in batches:
        applied.add(first, count)
    edges = [[1, applied.upto], *applied.beyond]
    for (_, high), (low, _) in itertools.pairwise(edges):
        assert low > high + 1


def test_a_filled_gap_leaves_no_ranges() -> None:
    applied = Applied()
    applied.add(5, 3)
    assert applied.beyond == [[5, 7]]
    applied.add(1, 4)
    assert (applied.upto, applied.beyond) == (7, [])


def test_more_gaps_than_any_writer_leaves_are_told() -> None:
    applied = Applied()
    for number in range(MAX_RANGES + 1):
        applied.add(number * 2 + 2, 1)
    assert applied.too_scattered
