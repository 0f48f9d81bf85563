"""The options that say when a deployment runs, for `deployment build` and `deployment set-schedule`."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from towpath.contract.durations import parse_duration
from towpath.errors import ScheduleError

if TYPE_CHECKING:
    from towpath.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

Cron = Annotated[
    str | None, typer.Option("--cron", help="Run at the times of a cron expression, as '0 6 * * 1-5' or @daily.")
]
Interval = Annotated[
    str | None, typer.Option("--interval", metavar="TIME", help="Run every so often: seconds, or as 15m, 1h30m, 7d.")
]
AnchorDate = Annotated[
    str | None, typer.Option("--anchor-date", metavar="TIME", help="A time that the interval passes through.")
]
RRule = Annotated[
    str | None, typer.Option("--rrule", help="Run at the times of an iCalendar rule, as 'FREQ=WEEKLY;BYDAY=MO'.")
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", help="The IANA time zone of the schedule; UTC if left out.")
]


def parse_schedule(
    cron: str | None, interval: str | None, anchor_date: str | None, rrule: str | None, timezone: str | None
) -> "CronSchedule | IntervalSchedule | RRuleSchedule | None":
    """The schedule that the options give; None when they give none.

    Raises:
        ScheduleError: they contradict one another, or cannot be read.
    """
    given = [
        name for name, value in (("--cron", cron), ("--interval", interval), ("--rrule", rrule)) if value is not None
    ]
    if len(given) > 1:
        raise ScheduleError(
            f"Give one of {' and '.join(given)}, not both." if len(given) == 2 else "Give one schedule."
        )
    if anchor_date is not None and interval is None:
        raise ScheduleError("--anchor-date belongs to --interval: give both.")
    if timezone is not None and not given:
        raise ScheduleError("--timezone belongs to a schedule: give --cron, --interval or --rrule too.")
    from towpath.schedules import CronSchedule, IntervalSchedule, RRuleSchedule  # noqa: PLC0415 - see asking.open_api

    zone = timezone or "UTC"
    if cron is not None:
        return CronSchedule(cron, timezone=zone)
    if interval is not None:
        return IntervalSchedule(_parse_interval(interval), _parse_anchor(anchor_date), timezone=zone)
    if rrule is not None:
        text, own_zone = _parse_rrule(rrule)
        return RRuleSchedule(text, timezone=timezone or own_zone or "UTC")
    return None


def _parse_interval(text: str) -> float:
    if text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise ScheduleError(f"--interval: {error}, or as a number of seconds.") from None


def _parse_anchor(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError(
            f"--anchor-date: {text!r} is not a time: write it as 2030-01-31T08:00 or 2030-01-31T08:00+01:00."
        ) from None


def _parse_rrule(text: str) -> tuple[str, str | None]:
    """The rule and its time zone: also from the JSON object that other tools write, `{"rrule": ..., "timezone": ...}`."""
    if not text.lstrip().startswith("{"):
        return text, None
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise ScheduleError(f"--rrule is not JSON ({error}): write the rule itself, as 'FREQ=DAILY'.") from None
    fields = cast("dict[str, Any]", document)
    if not isinstance(fields.get("rrule"), str):
        raise ScheduleError('--rrule: the JSON object has no rule: give it as "rrule".')
    return fields["rrule"], fields.get("timezone")
