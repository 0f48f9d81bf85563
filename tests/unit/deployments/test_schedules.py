"""Schedules are checked as they are made."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from towpath.contract.resources.schedule import Schedule
from towpath.errors import ScheduleError
from towpath.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, build_schedules


@pytest.mark.parametrize("cron", ["0 6 * * 1-5", "*/15 * * * *", "@daily", "0 0 L * *", "0 0 29 2 *", "0 9 * JAN MON"])
def test_cron_expressions_that_come_are_taken(cron: str) -> None:
    assert CronSchedule(cron, timezone="Europe/Berlin").to_schedule().cron == cron


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CronSchedule("nonsense"), "cron: 'nonsense' has 1 field:"),
        (lambda: CronSchedule("61 * * * *"), "cron: '61 [*] [*] [*] [*]' cannot be read [(]bad minute[)]"),
        (lambda: CronSchedule("0 0 30 2 *"), "cron: "),
        (lambda: CronSchedule("0 0 0 * * *"), "has 6 fields"),
        (lambda: CronSchedule("0 6 * * *", timezone="Mars/Olympus"), "timezone: 'Mars/Olympus'"),
        (lambda: CronSchedule(""), "cron: "),
        (lambda: IntervalSchedule(0), "longer than zero"),
        (lambda: IntervalSchedule(timedelta(seconds=-1)), "interval: "),
        (lambda: IntervalSchedule(1.5), "whole seconds"),
        (lambda: RRuleSchedule("FREQ=SOMETIMES"), "rrule: 'FREQ=SOMETIMES' cannot be read"),
        (lambda: RRuleSchedule("nonsense"), "rrule: "),
        (lambda: RRuleSchedule("FREQ=MINUTELY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=30"), "no time ever matches"),
        (lambda: RRuleSchedule("FREQ=DAILY;" + "X" * 7000), "rrule: "),
    ],
)
def test_what_cannot_be_read_or_never_comes_is_refused(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        make()


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9",
        "RRULE:FREQ=HOURLY;INTERVAL=5",
        "DTSTART:20200101T000000\nRRULE:FREQ=DAILY;UNTIL=20300201T000000Z",
        "FREQ=MINUTELY;INTERVAL=5",
    ],
)
def test_rules_of_every_frequency_are_taken(rule: str) -> None:
    assert RRuleSchedule(rule).to_schedule().rrule == rule


def test_an_interval_is_seconds_or_a_timedelta_and_its_anchor_gets_the_time_zone() -> None:
    spec = IntervalSchedule(timedelta(minutes=90), datetime(2026, 1, 1), timezone="Europe/Berlin").to_schedule()
    assert (spec.interval, spec.timezone) == ("1h30m", "Europe/Berlin")
    assert spec.anchor is not None
    assert spec.anchor.astimezone(UTC) == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert IntervalSchedule(600).to_schedule().interval == "10m"


def test_several_schedules_get_names_of_their_own() -> None:
    named = Schedule(name="nightly", cron="0 3 * * *")
    built = build_schedules([CronSchedule("@daily"), CronSchedule("@hourly"), IntervalSchedule(60), named])
    assert [schedule.name for schedule in built] == ["default", "default-2", "default-3", "nightly"]


def test_a_rule_has_at_most_6500_characters() -> None:
    longest = "FREQ=WEEKLY;BYHOUR=" + ",".join("6" * 3241)
    assert len(longest) == 6_500
    assert RRuleSchedule(longest).to_schedule().rrule == longest
    with pytest.raises(ScheduleError, match="6500"):
        RRuleSchedule("FREQ=MONTHLY;BYHOUR=" + ",".join("6" * 3241)).to_schedule()
