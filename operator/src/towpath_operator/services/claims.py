"""Hands due runs to launchers. Called by the claims route; a waiting request.

A claim raises the run's attempt, sets Pending (Submitting) and gives the holder a lease. When a lease ends before the launch was
reported, the same attempt is handed out again; of a run that is being cancelled nothing is, and it is Cancelled.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from towpath.contract.ids import now_us, uuid7
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath.contract.runs import ClaimedRun, ClaimRequest, Claims
from towpath.contract.states import RunKind, StateType
from towpath_operator.domain.claims import Candidate, DeploymentFacts, QueueFacts, plan_claims
from towpath_operator.domain.codes import CODES, kept_name
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.times import SECOND, from_micros
from towpath_operator.services.declared_views import view_deployments, view_flows, view_work_queues
from towpath_operator.services.endings import end_left_open
from towpath_operator.services.flow_runs import cancel_row, enter_state, view_all
from towpath_operator.services.metrics import Metrics
from towpath_operator.services.signals import Signals
from towpath_operator.store import attempts as rows
from towpath_operator.store.declared import DEPLOYMENTS, FLOWS, WORK_QUEUES
from towpath_operator.store.engine import TOPIC_CLAIMS, Database, Reader, Transaction
from towpath_operator.store.flow_runs import StateValues, find_flow_run, find_flow_runs
from towpath_operator.store.types import Row
from towpath_operator.store.usage import count_active

LEASE = 30 * SECOND
PAUSED = "The work queue is paused."
QUEUE_FULL = "The work queue has reached its concurrency limit."
DEPLOYMENT_FULL = "The deployment has reached its concurrency limit."
SKIPPED = "The deployment has reached its concurrency limit, and its overlap is Skip."
REPLACED = "A newer run of the deployment replaces this one."
ABANDONED = "The run was cancelled before it was started."
BACKSTOP_SECONDS = 15.0
_REASONS = (PAUSED, QUEUE_FULL, DEPLOYMENT_FULL)
_PENDING = CODES[StateType.PENDING]


async def _never() -> bool:
    return False


class ClaimService:
    """Claims of one database's runs."""

    def __init__(self, database: Database, signals: Signals, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._signals = signals

    async def claim(self, request: ClaimRequest, is_gone: Callable[[], Awaitable[bool]] = _never) -> Claims:
        """Runs for this launcher, waiting up to `wait_seconds` for the first.

        Args:
            is_gone: whether the launcher waits no more: what it would be given would lie idle until the lease ends.
        """
        deadline = now_us() + int(request.wait_seconds * SECOND)
        while True:
            count = self._signals.count(TOPIC_CLAIMS)
            now = now_us()
            async with self._database.read() as reader:
                queues = await _list_queues(reader, request)
                found = await _look(reader, queues, now, 1)
                due = await rows.find_next_due(reader, [queue["id"] for queue in queues], now)
            if found.any:
                if await is_gone():
                    return Claims(items=[])
                claims = await self._claim(request)
                if claims.items:
                    return claims
            left = (deadline - now_us()) / SECOND
            if left <= 0 or self._signals.closed:
                return Claims(items=[])
            pause = min(left, BACKSTOP_SECONDS)
            if due is not None:
                pause = min(pause, max(0.0, (due - now_us()) / SECOND))
            # A run that is due and blocked wakes nobody by itself: what unblocks it is a commit.
            await self._signals.wait(TOPIC_CLAIMS, count, max(pause, 0.001))

    async def _claim(self, request: ClaimRequest) -> Claims:
        async with self._database.write() as transaction:
            reader, now = transaction.connection, now_us()
            queues = await _list_queues(reader, request)
            found = await _look(reader, queues, now, request.limit)
            for row in found.abandoned:
                await _end_abandoned(transaction, row["id"], row["attempt"], now)
            taken = [await _renew(transaction, row, request.holder, now) for row in found.expired]
            facts = await _queue_facts(reader, queues)
            plan = plan_claims(found.candidates, facts, found.limited, request.limit - len(taken))
            for run_id in plan.skips:
                if (row := await find_flow_run(reader, run_id)) is not None:
                    await cancel_row(transaction, row, SKIPPED)
            for run_id in plan.superseded:
                if (row := await find_flow_run(reader, run_id)) is not None:
                    await cancel_row(transaction, row, REPLACED)
            for deployment_id, number in plan.replaces.items():
                for run_id in await rows.list_oldest_active(reader, deployment_id, number):
                    if (row := await find_flow_run(reader, run_id)) is not None:
                        await cancel_row(transaction, row, REPLACED)
            skipped = {*plan.skips, *plan.superseded}
            await rows.explain_waiting(transaction, [entry for entry in found.unexplained if entry[0] not in skipped])
            claimed = await _take(transaction, plan.claims, request.holder, now)
            taken += [row["id"] for row in claimed]
        if not taken:
            return Claims(items=[])
        self._metrics.note_claims([(now - row["run_after"]) / SECOND for row in claimed])
        async with self._database.read() as reader:
            return await _view_claims(reader, taken, now + LEASE)


@dataclass(frozen=True)
class _Found:
    expired: Sequence[Row]
    abandoned: Sequence[Row]
    candidates: Sequence[Candidate]
    limited: Mapping[UUID, DeploymentFacts]
    unexplained: Sequence[tuple[UUID, str]]

    @property
    def any(self) -> bool:
        return bool(self.expired or self.abandoned or self.candidates or self.unexplained)


async def _list_queues(reader: Reader, request: ClaimRequest) -> list[Row]:
    """The queues that this launcher serves, paused ones too."""
    return [
        row
        for row in await WORK_QUEUES.list_all(reader, request.namespaces)
        if row["spec"].get("launcher", WorkQueueSpec().launcher) == request.launcher
        and (request.queues is None or row["name"] in request.queues)
    ]


async def _queue_facts(reader: Reader, queues: Sequence[Row]) -> list[QueueFacts]:
    """The queues that hand out runs now."""
    active = await count_active(reader, "work_queue_id")
    facts: list[QueueFacts] = []
    for row in queues:
        spec = row["spec"]
        if spec.get("paused"):
            continue
        limit: int | None = spec.get("concurrencyLimit")
        free = None if limit is None else limit - active.get(row["id"], 0)
        facts.append(QueueFacts(row["id"], spec.get("priority", 0), free))
    return facts


async def _look(reader: Reader, queues: Sequence[Row], now: int, limit: int) -> _Found:
    """The runs that might be claimed."""
    facts = await _queue_facts(reader, queues)
    expired = await rows.list_expired(reader, [queue.id for queue in facts], now, limit)
    # Nobody may be left who could tell how such a run ended, and a paused queue must not keep it.
    abandoned = await rows.list_expired(reader, [row["id"] for row in queues], now, limit, cancelling=True)
    limited = {
        row["id"]: DeploymentFacts(
            row["concurrency_limit"] - row["active"], row["overlap"], row["leaving"], row["concurrency_limit"]
        )
        for row in await rows.list_limited_deployments(reader)
    }
    full = [row_id for row_id, held in limited.items() if held.free <= 0 and held.overlap == "Queue"]
    skipping = [row_id for row_id, held in limited.items() if held.free <= 0 and held.overlap == "Skip"]
    candidates: list[Candidate] = []
    open_queues = [queue.id for queue in facts if queue.free is None or queue.free > 0]
    with_due = await rows.find_queues_with_due(reader, open_queues, now)
    for queue in facts:
        if queue.id in with_due:
            for row in await rows.list_claimable(reader, queue.id, now, limit, full, skipping):
                due = Candidate(row["id"], queue.id, row["deployment_id"], row["run_after"], row["attempt"])
                candidates.append(due)
    unexplained = await _find_unexplained(reader, queues, facts, limited, now)
    return _Found(expired, abandoned, candidates, limited, unexplained)


async def _find_unexplained(
    reader: Reader,
    queues: Sequence[Row],
    facts: Sequence[QueueFacts],
    limited: Mapping[UUID, DeploymentFacts],
    now: int,
) -> list[tuple[UUID, str]]:
    """Due runs that stay behind and do not say yet what they wait for."""
    paused = [row["id"] for row in queues if row["spec"].get("paused")]
    full = [queue.id for queue in facts if queue.free is not None and queue.free <= 0]
    busy = [row_id for row_id, held in limited.items() if held.free <= 0]
    found: dict[UUID, str] = {}
    for column, ids, reason in (
        ("deployment_id", busy, DEPLOYMENT_FULL),
        ("work_queue_id", full, QUEUE_FULL),
        ("work_queue_id", paused, PAUSED),
    ):
        for run_id in await rows.list_unexplained(reader, column, ids, _REASONS, now):
            found[run_id] = reason
    return list(found.items())


async def _take(transaction: Transaction, run_ids: Sequence[UUID], holder: str, now: int) -> Sequence[Row]:
    """Gives the next attempts of due runs to `holder`. Returns the runs as they were, in the order of `run_ids`."""
    if not run_ids:
        return []
    by_id = {row["id"]: row for row in await find_flow_runs(transaction.connection, run_ids)}
    found = [by_id[run_id] for run_id in run_ids]
    name = kept_name(_PENDING, "Submitting")
    claims = [
        rows.Claimed(
            row["id"],
            row["attempt"] + 1,
            StateValues(uuid7(), _PENDING, name, now, None, row["run_count"], row["attempt"] + 1),
        )
        for row in found
    ]
    await rows.save_claims(transaction, claims, holder, now + LEASE)
    for row, claim in zip(found, claims, strict=True):
        state_id = claim.state.id.bytes
        transaction.entered.append(
            Entered(RunKind.FLOW_RUN, row["id"].bytes, row["flow_name"], row["state_type"], _PENDING, state_id=state_id)
        )
    return found


async def _end_abandoned(transaction: Transaction, run_id: UUID, number: int, now: int) -> None:
    """Ends a run that was being cancelled when its launcher was lost, before a launch of this attempt was reported."""
    row = await find_flow_run(transaction.connection, run_id)
    if row is None:
        return
    values = {"ended_at": now, "lease_expires": None, "outcome": "Cancelled"}
    await rows.update_attempt(transaction, run_id, number, values)
    await end_left_open(transaction, run_id, cancelled=True)
    await enter_state(transaction, row, StateType.CANCELLED, message=ABANDONED)


async def _renew(transaction: Transaction, row: Row, holder: str, now: int) -> UUID:
    """Gives an attempt whose lease has ended to `holder`."""
    values = {"claimed_by": holder, "claimed_at": now, "lease_expires": now + LEASE}
    await rows.update_attempt(transaction, row["id"], row["attempt"], values)
    return row["id"]


async def _view_claims(reader: Reader, run_ids: Sequence[UUID], lease_expires: int) -> Claims:
    """The claimed runs with all that launching them needs."""
    found = await find_flow_runs(reader, run_ids)
    runs = {run.id: run for run in await view_all(reader, found)}
    templates = {row["id"]: row["pod_template"] for row in found}
    flows = await FLOWS.find_many(reader, list({run.flow_id for run in runs.values()}))
    owners = await DEPLOYMENTS.find_many(
        reader, list({run.deployment_id for run in runs.values() if run.deployment_id})
    )
    queues = await WORK_QUEUES.find_many(reader, list({row["work_queue_id"] for row in found}))
    flow_views = {view.id: view for view in await view_flows(reader, list(flows.values()))}
    deployment_views = {view.id: view for view in await view_deployments(reader, list(owners.values()))}
    queue_views = {view.id: view for view in await view_work_queues(reader, list(queues.values()))}
    queue_of = {row["id"]: row["work_queue_id"] for row in found}
    items: list[ClaimedRun] = []
    for run_id in run_ids:
        run = runs[run_id]
        if run.deployment_id is None:
            continue
        items.append(
            ClaimedRun(
                run=run,
                attempt=run.attempt,
                lease_expires=from_micros(lease_expires),
                flow=flow_views[run.flow_id],
                deployment=deployment_views[run.deployment_id],
                work_queue=queue_views[queue_of[run_id]],
                pod_template=PodTemplate.model_validate(templates[run_id]) if templates[run_id] else None,
            )
        )
    return Claims(items=items)
