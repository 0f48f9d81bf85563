"""Times between rows and models."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from towpath_operator.domain.times import MAX_TIME, from_micros, to_micros


@pytest.mark.parametrize(("micros", "year"), [(2**61, 9999), (MAX_TIME, 9999), (-(2**61), 1), (0, 1970)])
def test_every_number_in_a_row_shows_as_a_time(micros: int, year: int) -> None:
    assert from_micros(micros).year == year


def test_a_time_whose_offset_leads_beyond_the_last_year_shows_too() -> None:
    late = datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))
    assert from_micros(to_micros(late)) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
