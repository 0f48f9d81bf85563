"""What is asked about a run under way: pausing, suspending, resuming and retrying it, and what its process is to do.

Used by the API's routes, by the SDK and by the command line. People ask about any run that they may change; a run's own process
asks as the attempt that it holds.
"""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from towpath.contract.pauses import PauseRead
from towpath.contract.runs import RunState

DEFAULT_PAUSE_SECONDS = 3_600
MAX_PAUSE_SECONDS = 366 * 86_400
PauseSeconds = Annotated[float, Field(gt=0, le=MAX_PAUSE_SECONDS)]
PauseKey = Annotated[str, Field(min_length=1, max_length=200)]


class Control(BaseModel):
    """The base of what is asked: unknown fields are named, not ignored."""

    model_config = ConfigDict(extra="forbid")


class FlowRunPause(Control):
    """A person's wish to pause or suspend a run: no task run of it begins from then on.

    Attributes:
        timeout_seconds: how long it waits; then the run fails. None: for ever.
    """

    timeout_seconds: PauseSeconds | None = DEFAULT_PAUSE_SECONDS


class FlowRunResume(Control):
    """Lets a paused run go on.

    Attributes:
        run_input: what the run waits for, by name, where it waits for an input.
    """

    run_input: dict[str, Any] | None = None


class AttemptPause(Control):
    """A run's own process pauses it. Asked again with the same key, the answer is what has become of that pause.

    Attributes:
        key: names the pause within the run.
        suspend: the process ends itself; resuming launches the run again, which finds that this key has been resumed.
        timeout_seconds: how long it waits; then the run fails. None: for ever.
        input_schema: the JSON schema of an object that resuming must give.
    """

    key: PauseKey
    suspend: bool = False
    timeout_seconds: PauseSeconds | None = DEFAULT_PAUSE_SECONDS
    input_schema: dict[str, Any] | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None


class RunOrders(BaseModel):
    """What a run's process must know: where its run is now, as the API sees it.

    Attributes:
        state_id: give it as `seen` to wait for the next.
        revision: rises with every change; an answer with a lower one is out of date.
        stale: whether another attempt holds the run, or this one was reported ended.
        pause: what it waits for while it is paused.
    """

    state: RunState
    state_id: UUID | None = None
    revision: int
    stale: bool = False
    pause: PauseRead | None = None


class AttemptPaused(BaseModel):
    """The answer to an AttemptPause.

    Attributes:
        resumed: whether this key has been resumed already: the process goes on, with `run_input`.
    """

    resumed: bool
    run_input: dict[str, Any] | None = None
    orders: RunOrders
