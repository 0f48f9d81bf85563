"""What Kubernetes has of a run, asked for at the moment. Called by its route.

Nothing is kept, and nothing here fails for what Kubernetes does: what it does not tell is said beside what it tells. The calls stand
behind `RunObjects`, which kube.run_objects implements.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from towpath.contract.kubernetes import KubernetesRead
from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.flow_runs import flow_run_key
from towpath_operator.domain.reading import Raw
from towpath_operator.domain.refusals import Refusal
from towpath_operator.domain.run_objects import Found, Subject, build_kubernetes, list_pod_subjects, list_subjects

SECONDS = 5.0
"""How long one answer may take; a person waits for it."""
AT_ONCE = 8
"""Calls at the same time, of all requests together: the connections are those by which callers are reviewed, too."""

T = TypeVar("T")


class RunObjects(Protocol):
    """What is asked of Kubernetes. Each call raises a Refusal when it is refused or cannot be asked."""

    async def find_flow_run(self, namespace: str, name: str) -> Raw | None:
        """The FlowRun, if there is one."""
        ...

    async def list_jobs(self, namespace: str, run_id: str) -> Sequence[Raw]:
        """The Jobs with the run's label."""
        ...

    async def list_pods(self, namespace: str, run_id: str) -> Sequence[Raw]:
        """The pods with the run's label."""
        ...

    async def list_events(self, namespace: str, kind: str, name: str, uid: str) -> Sequence[Raw]:
        """The events about an object; with an empty `uid` about whichever had the name."""
        ...


class Kubernetes:
    """Looks at the cluster.

    Args:
        objects: None where there is no cluster.
        seconds: how long one answer may take.
    """

    def __init__(self, objects: RunObjects | None, seconds: float = SECONDS) -> None:
        self._objects = objects
        self._seconds = seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def look(self, run: FlowRunRead) -> KubernetesRead:
        """What Kubernetes has of the run."""
        if self._objects is None:
            return KubernetesRead(in_cluster=False)
        deadline = asyncio.get_running_loop().time() + self._seconds
        return build_kubernetes(run, await _Look(self._objects, self._turns, deadline, run).find())


class _Look:
    """One look at one run. Notes each problem once."""

    def __init__(self, objects: RunObjects, turns: asyncio.Semaphore, deadline: float, run: FlowRunRead) -> None:
        self._objects = objects
        self._turns = turns
        self._deadline = deadline
        self._run = run
        self._problems: dict[str, None] = {}

    async def find(self) -> Found:
        """Asks for the objects at once, for events of what is known by then, and for those of the pods that this brought up."""
        namespace, run_id, asked = self._run.namespace, str(self._run.id), self._objects
        nothing: list[Raw] = []
        flow_run, jobs, pods = await asyncio.gather(
            self._find_flow_run(),
            self._ask(partial(asked.list_jobs, namespace, run_id), nothing),
            self._ask(partial(asked.list_pods, namespace, run_id), nothing),
        )
        events = await self._ask_events(list_subjects(self._run, flow_run))
        events |= await self._ask_events(list_pod_subjects(self._run, pods, events))
        return Found(flow_run, jobs, pods, events, list(self._problems))

    async def _find_flow_run(self) -> Raw | None:
        key = flow_run_key(self._run)
        if key is None:
            return None
        return await self._ask(partial(self._objects.find_flow_run, key.namespace, key.name), None)

    async def _ask_events(self, subjects: Sequence[Subject]) -> dict[Subject, Sequence[Raw]]:
        nothing: list[Raw] = []
        ask, namespace = self._objects.list_events, self._run.namespace
        told = await asyncio.gather(*(self._ask(partial(ask, namespace, *subject), nothing) for subject in subjects))
        return dict(zip(subjects, told, strict=True))

    async def _ask(self, ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """What Kubernetes answers; `otherwise`, and a problem noted, when it does not."""
        try:
            async with asyncio.timeout_at(self._deadline), self._turns:
                return await ask()
        except TimeoutError:
            self._problems["Kubernetes did not tell everything in time: what is shown may not be all."] = None
        except Refusal as refusal:
            self._problems[refusal.detail] = None
        return otherwise
