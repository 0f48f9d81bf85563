"""The Automation kind: what to do when runs enter certain states, or do not in time."""

from typing import Annotated

from pydantic import AwareDatetime, Field, model_validator

from towpath.contract.durations import DURATION_PATTERN
from towpath.contract.resources.base import (
    AGE_COLUMN,
    READY_COLUMNS,
    BlockName,
    Column,
    DeploymentName,
    DisplayName,
    Json,
    Kind,
    Model,
    RunMatch,
    Status,
    cel,
)

States = list[Annotated[str, Field(min_length=1, max_length=63)]]
_TOGETHER = "give expect and within together"
_ONE_OF = "give exactly one of notify, runDeployment, pauseWorkQueue, pauseDeployment, cancelRun"


class AutomationTrigger(RunMatch):
    """Which runs and states it is about."""

    model_config = Model.model_config | {"json_schema_extra": cel(("has(self.expect) == has(self.within)", _TOGETHER))}

    states: Annotated[
        States, Field(min_length=1, max_length=30, description="State types or names that a run enters, as FAILED.")
    ]
    expect: (
        Annotated[
            States,
            Field(
                min_length=1,
                max_length=30,
                description="States that the run is to enter after that; only if it has not within the time, something is done.",
            ),
        ]
        | None
    ) = None
    within: Annotated[str, Field(max_length=40, pattern=DURATION_PATTERN, description="How long, as 15m.")] | None = (
        None
    )

    @model_validator(mode="after")
    def _together(self) -> "AutomationTrigger":
        if (self.expect is None) != (self.within is None):
            raise ValueError(_TOGETHER)
        return self


class NotifyAction(Model):
    """Sends a message."""

    channels: Annotated[
        list[BlockName],
        Field(min_length=1, max_length=20, description="Blocks that it goes to, as slack-webhook/team."),
    ]
    message: Annotated[str, Field(max_length=5_000, description="A template, as a Notification's.")] | None = None


class RunDeploymentAction(Model):
    """Makes a run."""

    deployment: DeploymentName
    parameters: Annotated[Json, Field(description="Laid over the Deployment's parameters.")] = {}


class PauseWorkQueueAction(Model):
    """Pauses a work queue."""

    name: Annotated[DisplayName, Field(description="The run's own queue if left out.")] | None = None


class PauseDeploymentAction(Model):
    """Pauses a deployment's schedules."""

    name: Annotated[DeploymentName, Field(description="The run's own deployment if left out.")] | None = None


class CancelRunAction(Model):
    """Cancels the run."""

    message: Annotated[str, Field(max_length=1_000, description="Why, for its state.")] | None = None


class AutomationAction(Model):
    """One thing to do."""

    model_config = Model.model_config | {
        "json_schema_extra": cel(
            (
                "[has(self.notify), has(self.runDeployment), has(self.pauseWorkQueue), has(self.pauseDeployment), "
                "has(self.cancelRun)].filter(x, x).size() == 1",
                _ONE_OF,
            )
        )
    }

    notify: NotifyAction | None = None
    run_deployment: RunDeploymentAction | None = None
    pause_work_queue: PauseWorkQueueAction | None = None
    pause_deployment: PauseDeploymentAction | None = None
    cancel_run: CancelRunAction | None = None

    @model_validator(mode="after")
    def _one(self) -> "AutomationAction":
        given = (self.notify, self.run_deployment, self.pause_work_queue, self.pause_deployment, self.cancel_run)
        if sum(value is not None for value in given) != 1:
            raise ValueError(_ONE_OF)
        return self


class AutomationSpec(Model):
    """What an Automation declares, within its namespace."""

    name: DisplayName | None = None
    trigger: AutomationTrigger
    actions: Annotated[list[AutomationAction], Field(min_length=1, max_length=10, description="Done in this order.")]
    paused: bool = False


class AutomationStatus(Status):
    """What the operator says of an Automation."""

    last_fired: AwareDatetime | None = None
    last_error: (
        Annotated[str, Field(max_length=2_000, description="Why an action failed last; gone once it works again.")]
        | None
    ) = None
    waiting: Annotated[int, Field(ge=0, description="Runs whose expected state has not come yet.")] | None = None


AUTOMATION = Kind(
    kind="Automation",
    plural="automations",
    short_name="fauto",
    spec=AutomationSpec,
    status=AutomationStatus,
    columns=(
        *READY_COLUMNS,
        Column("States", ".spec.trigger.states"),
        Column("Waiting", ".status.waiting", "integer"),
        Column("Last Fired", ".status.lastFired", "date"),
        AGE_COLUMN,
    ),
    description="What to do when runs enter certain states, or do not in time.",
)
