"""The ConcurrencyLimit kind: how many task runs with a tag may run at once."""

from typing import Annotated

from pydantic import Field

from towpath.contract.resources.base import AGE_COLUMN, READY_COLUMNS, Column, Kind, Model, Status, Tag


class ConcurrencyLimitSpec(Model):
    """What a ConcurrencyLimit declares, within its namespace."""

    tag: Tag
    limit: Annotated[int, Field(ge=0, le=100_000, description="Slots; with 0 no such task runs.")]
    slot_decay_per_second: (
        Annotated[
            float, Field(gt=0, le=100_000, description="For rate_limit(): how many slots become free in each second.")
        ]
        | None
    ) = None


class ConcurrencyLimitStatus(Status):
    """What the operator says of a ConcurrencyLimit."""

    active: Annotated[int, Field(ge=0)] | None = None
    waiting: Annotated[int, Field(ge=0)] | None = None


CONCURRENCY_LIMIT = Kind(
    kind="ConcurrencyLimit",
    plural="concurrencylimits",
    short_name="climit",
    spec=ConcurrencyLimitSpec,
    status=ConcurrencyLimitStatus,
    columns=(
        *READY_COLUMNS,
        Column("Tag", ".spec.tag"),
        Column("Limit", ".spec.limit", "integer"),
        Column("Active", ".status.active", "integer"),
        Column("Waiting", ".status.waiting", "integer"),
        AGE_COLUMN,
    ),
    description="A limit on task runs with a tag that run at once.",
)
