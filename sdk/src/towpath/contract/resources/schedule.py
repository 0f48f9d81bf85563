"""Schedules: when a Deployment starts runs by itself."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from towpath.contract.durations import DURATION_PATTERN
from towpath.contract.resources.base import Json, Model, cel

_ONE_OF = "give exactly one of cron, interval, rrule"


class Schedule(Model):
    """One schedule of a Deployment: a cron expression, an interval or an iCalendar recurrence rule."""

    model_config = Model.model_config | {
        "json_schema_extra": cel(
            ("[has(self.cron), has(self.interval), has(self.rrule)].filter(x, x).size() == 1", _ONE_OF),
            ("!has(self.anchor) || has(self.interval)", "anchor belongs to interval"),
        )
    }

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
    cron: (
        Annotated[
            str,
            Field(
                min_length=1, max_length=200, description="Five fields, or an alias as @daily.", examples=["0 6 * * *"]
            ),
        ]
        | None
    ) = None
    day_or: Annotated[
        bool, Field(description="Whether a cron day matches when either its day of month or day of week does.")
    ] = True
    interval: (
        Annotated[
            str, Field(max_length=40, pattern=DURATION_PATTERN, description="A duration as 90s, 15m, 1h30m or 7d.")
        ]
        | None
    ) = None
    anchor: Annotated[AwareDatetime, Field(description="A time that the interval passes through.")] | None = None
    rrule: Annotated[str, Field(min_length=1, max_length=6_500)] | None = None
    timezone: Annotated[str, Field(max_length=64, description="An IANA time zone.", examples=["Europe/Berlin"])] = "UTC"
    paused: bool = False
    parameters: Annotated[Json, Field(description="Laid over the Deployment's parameters.")] = {}
    missed_runs: Annotated[
        Literal["Skip", "Latest", "All"],
        Field(description="What to make up for after an outage: none, the latest, all."),
    ] = "Latest"

    @model_validator(mode="after")
    def _one_kind(self) -> "Schedule":
        if sum(value is not None for value in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError(_ONE_OF)
        if self.anchor is not None and self.interval is None:
            raise ValueError("anchor belongs to interval")
        return self
