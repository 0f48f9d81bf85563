"""What the FlowRun reconcilers share: clients, indices, memory, queue, settings. Made once by wiring.operator."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from towpath_operator.apiclient.client import ApiClient
from towpath_operator.domain.flow_run_actions import PlanSettings
from towpath_operator.domain.flow_run_status import Step
from towpath_operator.domain.flow_runs import FlowRunView, view_flow_run
from towpath_operator.domain.jobs import JobView
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.domain.pods import PodView
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.index import Index, parse_version
from towpath_operator.reconcilers.memory import Memory
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What the administrator may set of how runs are launched and watched.

    Attributes:
        holder: the name that claims are held by.
        namespaces: where runs are claimed; None for everywhere.
        pods: what every pod gets.
        plan: the times that plans go by.
        registration_grace: seconds that a FlowRun waits for its Deployment to become known.
        status_interval: seconds between two writes of a running FlowRun's status.
        last_lines: how many of a pod's last lines are kept.
    """

    holder: str
    namespaces: tuple[str, ...] | None
    pods: PodSettings
    plan: PlanSettings = field(default_factory=PlanSettings)
    registration_grace: float = 15.0
    status_interval: float = 1.0
    last_lines: int = 200


@dataclass
class RunContext:
    """The shared things."""

    kube: KubeClient
    api: ApiClient
    settings: RunSettings
    metrics: OperatorMetrics
    events: EventPoster
    declared: DeclaredIndex
    flow_runs: Index[FlowRunView] = field(default_factory=Index[FlowRunView])
    jobs: Index[JobView] = field(default_factory=Index[JobView])
    pods: Index[PodView] = field(default_factory=Index[PodView])
    memory: Memory = field(default_factory=Memory)
    queue: WorkQueue[RunKey] = field(init=False)

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def find_flow_run(self, key: RunKey) -> FlowRunView | None:
        """The FlowRun of `key` as last seen; of two with the same name, the later one."""
        return max(self.flow_runs.of(key), key=lambda view: parse_version(view.resource_version), default=None)

    def keep_flow_run(self, body: Object) -> FlowRunView:
        """Take the API server's answer to a write into the index."""
        view = view_flow_run(body)
        self.flow_runs.put(view)
        return view

    def tell(self, view: FlowRunView, step: Step) -> None:
        """Post an Event on a FlowRun."""
        self.events.post("FlowRun", view.key.namespace, view.key.name, view.uid, step)
