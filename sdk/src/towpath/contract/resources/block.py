"""The Block kind: configuration that flows load by name, its secrets kept in Secrets."""

from typing import Annotated

from pydantic import Field

from towpath.contract.resources.base import AGE_COLUMN, READY_COLUMNS, Column, DisplayName, Json, Kind, Model, Status


class SecretRef(Model):
    """One secret field of the Block: the key of a Secret that holds it."""

    field: Annotated[str, Field(min_length=1, max_length=200, description="The Block's field, dotted if it is nested.")]
    secret: Annotated[str, Field(min_length=1, max_length=253)]
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]


class BlockSpec(Model):
    """What a Block declares."""

    name: (
        Annotated[DisplayName, Field(description="The block's name; metadata.name without `<type>.` if left out.")]
        | None
    ) = None
    type: Annotated[
        str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", examples=["github"])
    ]
    config: Annotated[Json, Field(description="Its fields, but for the secret ones.")] = {}
    secret_refs: Annotated[
        list[SecretRef],
        Field(
            max_length=50, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["field"]}
        ),
    ] = []


class BlockStatus(Status):
    """What the operator says of a Block."""


BLOCK = Kind(
    kind="Block",
    plural="blocks",
    short_name="blk",
    spec=BlockSpec,
    status=BlockStatus,
    columns=(*READY_COLUMNS, Column("Type", ".spec.type"), AGE_COLUMN),
    description="Configuration that flows load by name. Its secrets stay in Secrets.",
)
