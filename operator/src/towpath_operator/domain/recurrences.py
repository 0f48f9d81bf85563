"""iCalendar recurrence rules, guarded: the library walks every step from a rule's start, and some rules never yield.

A rule's start is rolled forward to just before the times that are asked for; rules finer than a day may filter by weekday and time
of day only, so that each of them yields within a week; and no more than MOST_STEPS occurrences are ever walked.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, HOURLY, MINUTELY, SECONDLY, WEEKLY, rrule, rruleset, rrulestr

from towpath_operator.domain.times import from_micros, to_micros

MOST_STEPS: Final = 20_000
LAST_YEAR: Final = 2_200
_START = datetime(2020, 1, 1)
_STEPS: Final = {
    WEEKLY: timedelta(weeks=1),
    DAILY: timedelta(days=1),
    HOURLY: timedelta(hours=1),
    MINUTELY: timedelta(minutes=1),
}
_WINDOWS: Final = tuple(timedelta(days=days) for days in (1, 31, 400, 4_000))
_FINE_FILTERS: Final = re.compile(r"BY(MONTH|MONTHDAY|YEARDAY|WEEKNO|EASTER|SETPOS)=", re.IGNORECASE)


def next_after(text: str, zone: ZoneInfo, after: int) -> int | None:
    """The first time later than `after`; None when the rule has ended.

    Raises:
        ValueError: when the rule cannot be read, or is of a kind that may never yield.
    """
    for time in _walk(text, zone, after):
        return time
    return None


def latest_between(text: str, zone: ZoneInfo, after: int, until: int, most: int) -> list[int]:
    """The latest `most` times that are later than `after` and not later than `until`, in order."""
    found: list[int] = []
    for window in _WINDOWS:
        start = max(after, until - window // timedelta(microseconds=1))
        found = []
        for time in _walk(text, zone, start):
            if time > until:
                break
            found.append(time)
        if len(found) >= most or start == after:
            break
    return found[-most:]


def _walk(text: str, zone: ZoneInfo, after: int) -> Iterator[int]:
    """The times later than `after`, each once, in order."""
    wall = from_micros(after).astimezone(zone).replace(tzinfo=None)
    rules = _rolled(_parse(text), wall - timedelta(days=1))
    last = after
    for local in islice(rules, MOST_STEPS):
        if local.year > LAST_YEAR:
            return
        time = to_micros(local.replace(tzinfo=local.tzinfo or zone).astimezone(UTC))
        if time > last:
            last = time
            yield time


def _parse(text: str) -> rrule | rruleset:
    if "FREQ=SECONDLY" in text.upper():
        raise ValueError("rules finer than a minute are not taken")
    parsed: Any = rrulestr(text, dtstart=_START, ignoretz=True)
    for rule in _rules(parsed):
        if rule._freq == SECONDLY:
            raise ValueError("rules finer than a minute are not taken")
        if rule._freq in (HOURLY, MINUTELY) and _FINE_FILTERS.search(str(rule)):
            raise ValueError("an hourly or minutely rule may filter by BYDAY, BYHOUR and BYMINUTE only")
    return parsed


def _rules(parsed: Any) -> list[Any]:
    if not isinstance(parsed, rruleset):
        return [parsed]
    rules: Any = parsed
    return [*rules._rrule, *rules._exrule]


def _rolled(parsed: Any, before: datetime) -> Any:
    """The rule with its start rolled forward, where that changes none of its later times."""
    if isinstance(parsed, rruleset):
        return _rolled_set(parsed, before)
    step = _STEPS.get(parsed._freq)
    if step is None or parsed._count is not None or parsed._dtstart >= before:
        return parsed
    pace = step * parsed._interval
    return parsed.replace(dtstart=parsed._dtstart + pace * ((before - parsed._dtstart) // pace))


def _rolled_set(parsed: Any, before: datetime) -> rruleset:
    rolled = rruleset()
    for rule in parsed._rrule:
        rolled.rrule(_rolled(rule, before))
    for rule in parsed._exrule:
        rolled.exrule(_rolled(rule, before))
    for date in parsed._rdate:
        rolled.rdate(date)
    for date in parsed._exdate:
        rolled.exdate(date)
    return rolled
