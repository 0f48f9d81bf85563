"""When schedules are due. Pure: the time is given. Called when deployments are declared, and by services.scheduling.

Cron follows Debian's cron at daylight saving's edges. Intervals shorter than a day count real time, longer ones the wall clock of
the schedule's time zone. Recurrence rules are in domain.recurrences.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from towpath.contract.durations import parse_duration
from towpath.contract.problems import FieldError
from towpath.contract.resources.schedule import Schedule
from towpath_operator.domain import recurrences
from towpath_operator.domain.refusals import InvalidSchedule
from towpath_operator.domain.times import SECOND, from_micros, to_micros

ON_TIME: Final = 60 * SECOND
"""A time that is noticed within this is not missed."""
MOST_MISSED: Final = 100
"""`missedRuns: All` makes up for the latest so many."""
_DAY = timedelta(days=1)
_ANCHOR = datetime(2020, 1, 1)
_ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def check_schedules(schedules: Sequence[Schedule], now: int) -> None:
    """Checks that every schedule can be read.

    Raises:
        InvalidSchedule: naming each field that cannot.
    """
    errors: list[FieldError] = []
    for index, schedule in enumerate(schedules):
        for field, message in _faults(schedule, now):
            errors.append(FieldError(field=f"spec.schedules.{index}.{field}", message=message))
    if errors:
        told = "; ".join(f"{error.field}: {error.message}" for error in errors[:3])
        raise InvalidSchedule(f"A schedule cannot be read: {told}", errors)


def _faults(schedule: Schedule, now: int) -> list[tuple[str, str]]:
    try:
        ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [("timezone", f"{schedule.timezone!r} is no IANA time zone, as Europe/Berlin")]
    try:
        next_after(schedule, now)
    except (CronSimError, ValueError, OverflowError) as error:
        field = "cron" if schedule.cron else "interval" if schedule.interval else "rrule"
        return [(field, str(error) or "cannot be read")]
    return []


def next_after(schedule: Schedule, after: int) -> int | None:
    """The first time later than `after`; None when there is none any more.

    Raises:
        CronSimError, ValueError: when the schedule cannot be read.
    """
    zone = ZoneInfo(schedule.timezone)
    if schedule.cron is not None:
        found = next(_cron(schedule, from_micros(after).astimezone(zone)), None)
        return None if found is None else to_micros(found)
    if schedule.interval is not None:
        return _interval_time(schedule, zone, _interval_index(schedule, zone, after) + 1)
    return recurrences.next_after(schedule.rrule or "", zone, after)


def latest_between(schedule: Schedule, after: int, until: int, most: int) -> list[int]:
    """The latest `most` times that are later than `after` and not later than `until`, in order."""
    zone = ZoneInfo(schedule.timezone)
    if schedule.cron is not None:
        start = from_micros(until).astimezone(zone) + timedelta(seconds=1)
        backwards = (to_micros(time) for time in _cron(schedule, start.replace(microsecond=0), reverse=True))
        wanted = (time for time in backwards if time <= until)
        return sorted(_while_after(wanted, after, most))
    if schedule.interval is not None:
        last = _interval_index(schedule, zone, until)
        times = (_interval_time(schedule, zone, index) for index in range(last, last - most, -1))
        return sorted(_while_after(times, after, most))
    return recurrences.latest_between(schedule.rrule or "", zone, after, until, most)


def _while_after(backwards: Iterator[int], after: int, most: int) -> Iterator[int]:
    for time in islice(backwards, most):
        if time <= after:
            return
        yield time


def _cron(schedule: Schedule, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    expression = (schedule.cron or "").strip()
    expression = _ALIASES.get(expression.lower(), expression)
    if len(expression.split()) != 5:
        raise CronSimError(f"{schedule.cron!r} is not five fields or one of {', '.join(_ALIASES)}")
    # The library is not told of the zone of UTC under another name, which it treats apart from the rest.
    cron = CronSim(expression, start.astimezone(UTC) if schedule.timezone == "UTC" else start, reverse=reverse)
    if not schedule.day_or:
        cron.day_and = True
    return cron


def _interval(schedule: Schedule) -> timedelta:
    return parse_duration(schedule.interval or "")


def _anchor(schedule: Schedule, zone: ZoneInfo) -> datetime:
    return schedule.anchor.astimezone(zone) if schedule.anchor is not None else _ANCHOR.replace(tzinfo=zone)


def _interval_index(schedule: Schedule, zone: ZoneInfo, at: int) -> int:
    """The number of the last time that is not later than `at`, counted from the anchor."""
    interval, anchor = _interval(schedule), _anchor(schedule, zone)
    if interval < _DAY:
        return (at - to_micros(anchor)) // (interval // timedelta(microseconds=1))
    wall = from_micros(at).astimezone(zone).replace(tzinfo=None) - anchor.replace(tzinfo=None)
    index = wall // interval
    while _interval_time(schedule, zone, index) > at:
        index -= 1
    while _interval_time(schedule, zone, index + 1) <= at:
        index += 1
    return index


def _interval_time(schedule: Schedule, zone: ZoneInfo, index: int) -> int:
    interval, anchor = _interval(schedule), _anchor(schedule, zone)
    if interval < _DAY:
        return to_micros(anchor) + index * (interval // timedelta(microseconds=1))
    wall = anchor.replace(tzinfo=None) + index * interval
    return to_micros(wall.replace(tzinfo=zone).astimezone(UTC))


def plan_firing(schedule: Schedule, due: int, now: int) -> tuple[list[int], int | None]:
    """Which times to make runs for, and when the schedule is due next.

    Args:
        due: the first time that no run was made for, not later than `now`.

    Returns:
        the times, in order: those that are on time always, missed ones as `missedRuns` says; and the next one after `now`.
    """
    times = latest_between(schedule, due - 1, now, MOST_MISSED)
    on_time = [time for time in times if time > now - ON_TIME]
    if schedule.missed_runs == "All":
        chosen = times
    elif schedule.missed_runs == "Latest":
        chosen = on_time or times[-1:]
    else:
        chosen = on_time
    return chosen, next_after(schedule, now)
