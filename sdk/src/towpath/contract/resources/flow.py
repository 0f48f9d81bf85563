"""The Flow kind: where a flow's code is and what its pods need."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from towpath.contract.resources.base import (
    AGE_COLUMN,
    READY_COLUMNS,
    BlockName,
    Column,
    DisplayName,
    Json,
    Kind,
    Model,
    Status,
)
from towpath.contract.resources.pod_template import PodTemplate

ENTRYPOINT_PATTERN = r"^([^:\x00-\x1f]+\.py|[A-Za-z_][A-Za-z0-9_.]*):[A-Za-z_][A-Za-z0-9_.]*$"


class Storage(Model):
    """Where the code is fetched from: a storage Block and a path within it."""

    block: BlockName
    path: Annotated[str, Field(max_length=1024, description="A folder in the storage; its root if left out.")] = ""


class FlowSpec(Model):
    """What a Flow declares."""

    name: Annotated[DisplayName, Field(description="The flow's name for people; metadata.name if left out.")] | None = (
        None
    )
    entrypoint: Annotated[
        str,
        Field(
            min_length=3,
            max_length=1024,
            pattern=ENTRYPOINT_PATTERN,
            description="path.py:function, from the storage's or the image's working folder, or module:function.",
            examples=["flows/etl.py:etl", "shop.flows:etl"],
        ),
    ]
    image: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                description="The image of its pods; the operator's flow image if left out.",
            ),
        ]
        | None
    ) = None
    storage: Storage | None = None
    path: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                description="The folder of a relative entrypoint where an agent runs it; pods have their image's or storage's.",
            ),
        ]
        | None
    ) = None
    result_storage: Annotated[BlockName, Field(description="A storage Block for task results.")] | None = None
    blocks: (
        Annotated[
            list[BlockName], Field(max_length=100, description="Blocks whose secrets its pods get; all if left out.")
        ]
        | None
    ) = None
    parameter_schema: (
        Annotated[Json, Field(description="A JSON schema of the parameters, enforced when a run is created.")] | None
    ) = None
    pod_template: PodTemplate | None = None


class FlowStatus(Status):
    """What the operator says of a Flow."""

    deployments: Annotated[int, Field(ge=0)] | None = None
    last_run: AwareDatetime | None = None


FLOW = Kind(
    kind="Flow",
    plural="flows",
    short_name="flow",
    spec=FlowSpec,
    status=FlowStatus,
    columns=(
        *READY_COLUMNS,
        Column("Entrypoint", ".spec.entrypoint"),
        Column("Deployments", ".status.deployments", "integer"),
        Column("Last Run", ".status.lastRun", "date"),
        AGE_COLUMN,
    ),
    description="A Python flow: where its code is, the image that runs it, the parameters it takes.",
)
