"""Schedules under Prefect's names, for what deploys a flow. What a schedule means is said by `towpath.contract.resources.schedule`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath.contract.durations import format_duration
from towpath.contract.resources.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class _Common:
    """What every schedule may say.

    Attributes:
        name: tells the schedules of a deployment apart.
        timezone: an IANA time zone.
        active: False to pause it.
        parameters: laid over the deployment's.
    """

    name: str = "default"
    timezone: str = "UTC"
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def _fields(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "timezone": self.timezone,
            "paused": not self.active,
            "parameters": self.parameters,
        }


@dataclass(frozen=True)
class CronSchedule(_Common):
    """Starts runs by a cron expression of five fields, or an alias as `@daily`.

    Attributes:
        day_or: whether a day matches when either its day of month or its day of week does.
    """

    cron: str
    day_or: bool = True

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it.

        Raises:
            pydantic.ValidationError: a field is not what it must be.
        """
        return Schedule(cron=self.cron, day_or=self.day_or, **self._fields())


@dataclass(frozen=True)
class IntervalSchedule(_Common):
    """Starts runs at even distances, to the second.

    Attributes:
        interval: the distance, or its seconds.
        anchor_date: a time that the interval passes through; without an offset it is UTC.
    """

    interval: timedelta | float
    anchor_date: datetime | None = None

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it.

        Raises:
            ValueError: the interval is not longer than zero.
            pydantic.ValidationError: a field is not what it must be.
        """
        interval = self.interval if isinstance(self.interval, timedelta) else timedelta(seconds=self.interval)
        if interval <= timedelta(0):
            raise ValueError(f"interval must be longer than zero, not {interval}.")
        anchor = self.anchor_date
        if anchor is not None and anchor.tzinfo is None:
            anchor = anchor.replace(tzinfo=UTC)
        return Schedule(interval=format_duration(interval), anchor=anchor, **self._fields())


@dataclass(frozen=True)
class RRuleSchedule(_Common):
    """Starts runs by an iCalendar recurrence rule of at most 6,500 characters."""

    rrule: str

    def to_schedule(self) -> Schedule:
        """The schedule as a Deployment has it.

        Raises:
            pydantic.ValidationError: a field is not what it must be.
        """
        return Schedule(rrule=self.rrule, **self._fields())


def Cron(cron: str, **fields: Any) -> CronSchedule:  # noqa: N802 - Prefect 3's name
    """A CronSchedule."""
    return CronSchedule(cron, **fields)


def Interval(interval: timedelta | float, **fields: Any) -> IntervalSchedule:  # noqa: N802
    """An IntervalSchedule."""
    return IntervalSchedule(interval, **fields)


def RRule(rrule: str, **fields: Any) -> RRuleSchedule:  # noqa: N802
    """An RRuleSchedule."""
    return RRuleSchedule(rrule, **fields)
