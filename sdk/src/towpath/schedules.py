"""When deployments start runs by themselves: `CronSchedule`, `IntervalSchedule`, `RRuleSchedule`, checked as they are made.

Called by whoever builds deployments, and by the manifests' reader for schedules that were written by hand. Computes no runs:
the API does.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr
from pydantic import ValidationError

from towpath.contract.durations import format_duration, parse_duration
from towpath.contract.resources.schedule import Schedule
from towpath.errors import ScheduleError

__all__ = [
    "AnySchedule",
    "Cron",
    "CronSchedule",
    "Interval",
    "IntervalSchedule",
    "RRule",
    "RRuleSchedule",
    "build_schedules",
    "check_schedule",
]

CRON_ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_CRON_EXAMPLE: Final = "write five fields, as '0 6 * * 1-5', or an alias, as '@daily'"
_RRULE_EXAMPLE: Final = "write an iCalendar rule, as 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=9'"
_SHORT_FREQUENCY: Final = re.compile(r"FREQ=(SECONDLY|MINUTELY|HOURLY)", re.IGNORECASE)
_INTERVAL: Final = re.compile(
    r";INTERVAL=[0-9]+|(?<=:)INTERVAL=[0-9]+;|^INTERVAL=[0-9]+;", re.IGNORECASE | re.MULTILINE
)
_SOME_PAST: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class _Common:
    """What every schedule may say.

    Args:
        name: tells the schedules of a deployment apart.
        timezone: an IANA time zone that the times are in, and by whose days an interval of a day or more goes.
        active: False to pause it.
        parameters: laid over the deployment's.
    """

    name: str = "default"
    timezone: str = "UTC"
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        check_schedule(self.to_schedule())

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it."""
        raise NotImplementedError

    def _build(self, **fields: Any) -> Schedule:
        common: dict[str, Any] = {"name": self.name, "timezone": self.timezone or "UTC"}
        if not self.active:
            common["paused"] = True
        if self.parameters:
            common["parameters"] = self.parameters
        try:
            return Schedule(**common, **fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ScheduleError(f"{where}: {first['msg']}." if where else f"A schedule: {first['msg']}.") from None


@dataclass(frozen=True)
class CronSchedule(_Common):
    """Starts runs at the times that a cron expression gives.

    Args:
        cron: five fields, or an alias as `@daily`.
        day_or: whether a day matches when either its day of month or its day of week does; else both must.
        name, timezone, active, parameters: as for every schedule.

    Raises:
        ScheduleError: the expression or the time zone cannot be read, or no time ever matches.
    """

    cron: str
    day_or: bool = True

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it."""
        return self._build(cron=self.cron, day_or=self.day_or)


@dataclass(frozen=True)
class IntervalSchedule(_Common):
    """Starts runs at equal distances.

    Args:
        interval: the distance: a timedelta, or a number of seconds; whole seconds, at least one.
        anchor_date: a time that the runs' times pass through; without an offset it is in `timezone`.
        name, timezone, active, parameters: as for every schedule.

    Raises:
        ScheduleError: one of them makes no sense.
    """

    interval: timedelta | float
    anchor_date: datetime | None = None

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it."""
        distance = self.interval if isinstance(self.interval, timedelta) else timedelta(seconds=self.interval)
        if distance <= timedelta(0):
            raise ScheduleError(f"interval: {self.interval} is not right; it must be longer than zero.")
        if distance % timedelta(seconds=1):
            raise ScheduleError(f"interval: {self.interval} is not right; give whole seconds.")
        anchor = self.anchor_date
        if anchor is not None and anchor.tzinfo is None:
            anchor = anchor.replace(tzinfo=_get_zone(self.timezone or "UTC"))
        given = {} if anchor is None else {"anchor": anchor}
        return self._build(interval=format_duration(distance), **given)


@dataclass(frozen=True)
class RRuleSchedule(_Common):
    """Starts runs at the times that an iCalendar recurrence rule gives.

    Args:
        rrule: the rule, at most 6,500 characters; lines of DTSTART, EXDATE and further rules may stand beside it.
        name, timezone, active, parameters: as for every schedule.

    Raises:
        ScheduleError: the rule or the time zone cannot be read, or no time ever matches.
    """

    rrule: str

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it."""
        return self._build(rrule=self.rrule)


def Cron(cron: str, **options: Any) -> CronSchedule:  # noqa: N802 - the name that flows written for Prefect 3 use
    """A CronSchedule; the options are its."""
    return CronSchedule(cron, **options)


def Interval(interval: timedelta | float, **options: Any) -> IntervalSchedule:  # noqa: N802
    """An IntervalSchedule; the options are its."""
    return IntervalSchedule(interval, **options)


def RRule(rrule: str, **options: Any) -> RRuleSchedule:  # noqa: N802
    """An RRuleSchedule; the options are its."""
    return RRuleSchedule(rrule, **options)


AnySchedule = CronSchedule | IntervalSchedule | RRuleSchedule | Schedule


def build_schedules(given: "list[AnySchedule]") -> list[Schedule]:
    """The schedules as a Deployment has them: of several with one name, all but the first get numbers behind it.

    Raises:
        ScheduleError: one of them makes no sense.
    """
    built: list[Schedule] = []
    for schedule in given:
        spec = schedule if isinstance(schedule, Schedule) else schedule.to_schedule()
        check_schedule(spec)
        taken = {other.name for other in built}
        name, number = spec.name, 2
        while name in taken:
            name, number = f"{spec.name}-{number}", number + 1
        built.append(spec if name == spec.name else spec.model_copy(update={"name": name}))
    return built


def check_schedule(schedule: Schedule) -> None:
    """Checks what the models cannot: that the expression can be read and comes true some day, and the time zone.

    Raises:
        ScheduleError: naming the field and what would be right.
    """
    zone = _get_zone(schedule.timezone)
    if schedule.cron is not None:
        _check_cron(schedule.cron)
    elif schedule.interval is not None:
        try:
            parse_duration(schedule.interval)
        except ValueError as error:
            raise ScheduleError(f"interval: {error}.") from None
    elif schedule.rrule is not None:
        _check_rrule(schedule.rrule, zone)


def _get_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"timezone: {name!r} is no IANA time zone: write it as 'Europe/Berlin'.") from None


def _check_cron(text: str) -> None:
    expression = CRON_ALIASES.get(text.strip().lower(), text)
    fields = len(expression.split())
    if fields != 5:
        raise ScheduleError(f"cron: {text!r} has {fields} field{'s' if fields != 1 else ''}: {_CRON_EXAMPLE}.")
    try:
        next(CronSim(expression, _SOME_PAST))
    except CronSimError as error:
        reason = str(error)
        raise ScheduleError(
            f"cron: {text!r} cannot be read ({reason[0].lower()}{reason[1:]}): {_CRON_EXAMPLE}."
        ) from None
    except StopIteration:
        raise ScheduleError(f"cron: no time ever matches {text!r}.") from None


def _check_rrule(text: str, zone: ZoneInfo) -> None:
    start = _SOME_PAST.astimezone(zone)
    # Looking for the first time minute by minute could take hours where there is none: its day says as much.
    daily = _INTERVAL.sub("", _SHORT_FREQUENCY.sub("FREQ=DAILY", text)) if _SHORT_FREQUENCY.search(text) else text
    try:
        rule = rrulestr(daily, dtstart=start.replace(tzinfo=None), ignoretz=True)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScheduleError(f"rrule: {text!r} cannot be read ({error}): {_RRULE_EXAMPLE}.") from None
    if not list(islice(rule, 1)):
        raise ScheduleError(f"rrule: no time ever matches {text!r}.")
