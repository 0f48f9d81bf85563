"""When schedules are due."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.contract.resources.schedule import Schedule
from towpath_operator.domain.refusals import InvalidSchedule
from towpath_operator.domain.schedules import check_schedules, latest_between, next_after, plan_firing
from towpath_operator.domain.times import SECOND, from_micros, to_micros

MINUTE = 60 * SECOND


def make_schedule(**fields: Any) -> Schedule:
    return Schedule.model_validate({"name": "s", **fields})


def at(text: str) -> int:
    """A time in UTC."""
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def times(schedule: Schedule, after: str, number: int) -> list[str]:
    found: list[str] = []
    time = at(after)
    for _ in range(number):
        following = next_after(schedule, time)
        if following is None:
            break
        time = following
        found.append(from_micros(time).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cron": "0 6 * * *"}, ["03-01 06:00", "03-02 06:00"]),
        ({"cron": "@hourly"}, ["03-01 01:00", "03-01 02:00"]),
        ({"cron": "0 6 * * MON"}, ["03-02 06:00", "03-09 06:00"]),
        ({"cron": "0 0 13 * FRI"}, ["03-06 00:00", "03-13 00:00"]),
        ({"cron": "0 0 13 * FRI", "dayOr": False}, ["03-13 00:00", "11-13 00:00"]),
        ({"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}, ["03-01 21:00", "03-02 21:00"]),
        ({"interval": "90m"}, ["03-01 01:30", "03-01 03:00"]),
        ({"interval": "1h", "anchor": "2026-01-01T00:20:00Z"}, ["03-01 00:20", "03-01 01:20"]),
        ({"interval": "7d", "anchor": "2026-01-01T12:00:00Z"}, ["03-05 12:00", "03-12 12:00"]),
        ({"rrule": "FREQ=DAILY;BYHOUR=6;BYMINUTE=0"}, ["03-01 06:00", "03-02 06:00"]),
        ({"rrule": "FREQ=MONTHLY;BYDAY=1MO"}, ["03-02 00:00", "04-06 00:00"]),
        ({"rrule": "DTSTART:20260225T120000\nRRULE:FREQ=WEEKLY;COUNT=2"}, ["03-04 12:00"]),
        ({"rrule": "FREQ=DAILY;UNTIL=20260302T000000"}, ["03-02 00:00"]),
        ({"rrule": "RRULE:FREQ=MINUTELY\nEXDATE:20260301T000100"}, ["03-01 00:02", "03-01 00:03"]),
    ],
)
def test_the_next_times(fields: dict[str, Any], expected: list[str]) -> None:
    assert times(make_schedule(**fields), "2026-03-01T00:00:00", 2) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"cron": "30 2 * * *"},
        {"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30"},
        {"interval": "1d", "anchor": "2026-01-01T02:30:00+01:00"},
    ],
)
def test_a_daily_time_comes_once_a_day_at_both_edges_of_daylight_saving(fields: dict[str, Any]) -> None:
    schedule = make_schedule(timezone="Europe/Berlin", **fields)
    # On 29 March 02:30 does not exist there; on 25 October it comes twice.
    assert len(times(schedule, "2026-03-27T12:00:00", 4)) == 4
    spring = [text[:5] for text in times(schedule, "2026-03-27T12:00:00", 4)]
    autumn = [text[:5] for text in times(schedule, "2026-10-23T12:00:00", 4)]
    assert spring == ["03-28", "03-29", "03-30", "03-31"]
    assert autumn == ["10-24", "10-25", "10-26", "10-27"]


def test_a_short_interval_counts_real_time_over_the_edges() -> None:
    schedule = make_schedule(interval="1h", timezone="Europe/Berlin")
    assert times(schedule, "2026-10-25T00:00:00", 3) == ["10-25 01:00", "10-25 02:00", "10-25 03:00"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "@reboot"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"interval": "0s"}, "interval"),
        ({"rrule": "every day"}, "rrule"),
        ({"rrule": "FREQ=SECONDLY"}, "rrule"),
        ({"rrule": "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"}, "rrule"),
        ({"rrule": "FREQ=HOURLY;INTERVAL=2;BYHOUR=1"}, "rrule"),
        ({"cron": "0 6 * * *", "timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        check_schedules([make_schedule(cron="0 0 * * *"), make_schedule(**fields)], at("2026-03-01T00:00:00"))
    assert [error.field for error in caught.value.errors] == [f"spec.schedules.1.{field}"]


KINDS = st.sampled_from(
    [
        {"cron": "*/7 * * * *"},
        {"cron": "30 2 * * *", "timezone": "Europe/Berlin"},
        {"interval": "11m"},
        {"interval": "36h", "timezone": "America/New_York"},
        {"rrule": "FREQ=MINUTELY;INTERVAL=9"},
        {"rrule": "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=2;BYMINUTE=30", "timezone": "Europe/Berlin"},
    ]
)


@given(KINDS, st.integers(at("2026-01-01T00:00:00"), at("2027-01-01T00:00:00")), st.integers(1, 12))
def test_looking_back_finds_the_times_that_looking_ahead_gave(fields: dict[str, Any], start: int, number: int) -> None:
    schedule = make_schedule(**fields)
    ahead: list[int] = []
    time = start
    for _ in range(number):
        following = next_after(schedule, time)
        assert following is not None
        assert following > time
        time = following
        ahead.append(time)
    assert latest_between(schedule, start, ahead[-1], 100) == ahead
    assert latest_between(schedule, start, ahead[-1], 3) == ahead[-3:]


@pytest.mark.parametrize(
    ("policy", "number"),
    [("Skip", 1), ("Latest", 1), ("All", 61)],
)
def test_after_an_outage_missed_runs_are_made_up_for_as_asked(policy: str, number: int) -> None:
    schedule = make_schedule(cron="* * * * *", missedRuns=policy)
    now = at("2026-03-01T13:00:30")
    chosen, following = plan_firing(schedule, at("2026-03-01T12:00:00"), now)
    assert len(chosen) == number
    assert chosen[-1] == at("2026-03-01T13:00:00")
    assert following == at("2026-03-01T13:01:00")


@pytest.mark.parametrize(("policy", "number"), [("Skip", 0), ("Latest", 1), ("All", 3)])
def test_missed_runs_of_a_daily_schedule(policy: str, number: int) -> None:
    schedule = make_schedule(cron="0 6 * * *", missedRuns=policy)
    chosen, _ = plan_firing(schedule, at("2026-03-01T06:00:00"), at("2026-03-03T12:00:00"))
    assert len(chosen) == number


def test_all_missed_runs_are_bounded() -> None:
    schedule = make_schedule(cron="* * * * *", missedRuns="All")
    chosen, _ = plan_firing(schedule, at("2020-03-01T06:00:00"), at("2026-03-03T12:00:00"))
    assert len(chosen) == 100
    assert chosen[-1] == at("2026-03-03T12:00:00")


@pytest.mark.parametrize("policy", ["Skip", "Latest", "All"])
def test_a_time_that_has_just_come_is_run_whatever_the_policy(policy: str) -> None:
    schedule = make_schedule(cron="0 6 * * *", missedRuns=policy)
    due = at("2026-03-01T06:00:00")
    assert plan_firing(schedule, due, due + SECOND)[0] == [due]
