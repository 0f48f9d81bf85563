"""What the plan of a FlowRun looks at, and the actions it may ask for. Data only.

Made by reconcilers.flow_runs (Observed) and flow_run_plan (the actions); applied by reconcilers.applying. Every action may be
applied twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from towpath.contract.runs import ClaimedRun, FlowRunRead
from towpath_operator.domain.attempt_ends import End
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.jobs import JobView
from towpath_operator.domain.pods import PodView, Waiting


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Times that the plan goes by.

    Attributes:
        start_deadline: how long a pod that has its node may fail to start (an image that cannot be pulled).
    """

    start_deadline: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the plan looks at.

    Attributes:
        flow_run: the FlowRun; None when there is none, or it is gone.
        run: the run as the API has it; None when the FlowRun is not registered, the API has no such run, or was not asked.
        asked: whether the API was asked for the run. It is not for a FlowRun that has ended and only waits to expire.
        claim: a claimed attempt that waits to be launched.
        jobs: the run's Jobs.
        pods: the run's pods.
        gone_jobs: attempts whose Job is certainly gone: the API server itself said so.
        hints: what the cluster's Events say of a Job or pod that does not start, by its uid.
    """

    flow_run: FlowRunView | None
    run: FlowRunRead | None = None
    asked: bool = True
    claim: ClaimedRun | None = None
    jobs: Sequence[JobView] = ()
    pods: Sequence[PodView] = ()
    gone_jobs: frozenset[int] = frozenset()
    hints: Mapping[str, Waiting] = field(default_factory=dict[str, Waiting])


@dataclass(frozen=True, slots=True)
class Register:
    """Make the FlowRun known to the API: finalizer first, then the run, then the label that names it."""


@dataclass(frozen=True, slots=True)
class RegisterToCancel:
    """A FlowRun was deleted before its label was written: find or make its run, to cancel it."""


@dataclass(frozen=True, slots=True)
class RequestCancel:
    """Tell the API that the run is to end."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class Launch:
    """Make the claimed attempt's FlowRun, where it has none, and its Job; then report it."""

    claim: ClaimedRun


@dataclass(frozen=True, slots=True)
class DropClaim:
    """A claim that must not be launched any more."""


@dataclass(frozen=True, slots=True)
class ReportLaunched:
    """A Job exists whose launch was never reported."""

    run_id: UUID
    attempt: int
    holder: str
    job: str
    job_uid: str


@dataclass(frozen=True, slots=True)
class ReportWaiting:
    """An attempt does not start, and why."""

    run_id: UUID
    attempt: int
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class ReportEnded:
    """An attempt ended, and how."""

    run_id: UUID
    attempt: int
    end: End


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """End an attempt's pod. The Job stays until its pod is gone."""

    name: str
    uid: str
    because: str


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """Write what the FlowRun's status should be. `wanted` is a merge patch."""

    wanted: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReleaseFlowRun:
    """Take our finalizer away: nothing is left to do when the FlowRun goes."""


@dataclass(frozen=True, slots=True)
class ExpireFlowRun:
    """Delete a FlowRun whose time is over."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Plan again after this many seconds, if nothing happens before."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ConfirmJobGone:
    """Ask the API server whether an attempt's Job is really gone, then plan again."""

    attempt: int


@dataclass(frozen=True, slots=True)
class ReadHints:
    """Read the cluster's Events of the Job or pod that does not start, then plan again."""

    uid: str


Action = (
    Register
    | RegisterToCancel
    | RequestCancel
    | Launch
    | DropClaim
    | ReportLaunched
    | ReportWaiting
    | ReportEnded
    | DeleteJob
    | PatchStatus
    | ReleaseFlowRun
    | ExpireFlowRun
    | LookAgain
    | ConfirmJobGone
    | ReadHints
)
