"""Checks schedules when they are declared. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from towpath.contract.durations import parse_duration
from towpath.contract.problems import FieldError
from towpath.contract.resources.schedule import Schedule
from towpath_operator.domain.refusals import InvalidSchedule


def check_schedules(schedules: Sequence[Schedule]) -> None:
    """Checks that every schedule can be read.

    Raises:
        InvalidSchedule: naming each field that cannot.
    """
    errors: list[FieldError] = []
    for index, schedule in enumerate(schedules):
        for field, message in _faults(schedule):
            errors.append(FieldError(field=f"spec.schedules.{index}.{field}", message=message))
    if errors:
        told = "; ".join(f"{error.field}: {error.message}" for error in errors[:3])
        raise InvalidSchedule(f"A schedule cannot be read: {told}", errors)


def _faults(schedule: Schedule) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    try:
        ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(("timezone", f"{schedule.timezone!r} is no IANA time zone, as Europe/Berlin"))
    if schedule.interval is not None:
        try:
            parse_duration(schedule.interval)
        except ValueError as error:
            faults.append(("interval", str(error)))
    return faults
