"""Creates, reads and cancels flow runs. Called by their routes and by the scheduler."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from towpath.contract.ids import now_us, uuid7
from towpath.contract.runs import FlowRunChanges, FlowRunCreate, FlowRunRead, Page, StateRead
from towpath.contract.states import TERMINAL, RunKind, StateType, Transition, default_name, judge
from towpath_operator.domain.codes import CODES, FIRST_ENDED, TYPES, kept_name, shown_name
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.filters import FlowRunFilter, Sort
from towpath_operator.domain.pages import COUNTED, PageRequest, encode_cursor
from towpath_operator.domain.pausing import is_suspended
from towpath_operator.domain.refusals import DeploymentNotFound, InvalidRequest, NotFound
from towpath_operator.domain.rollups import FLOW_RUNS
from towpath_operator.services.making import make_run
from towpath_operator.services.overviews import find_scope, is_kept
from towpath_operator.services.pages import paged
from towpath_operator.services.signals import Signals
from towpath_operator.services.views import view_flow_run, view_state
from towpath_operator.store import flow_runs as rows
from towpath_operator.store.attempts import find_attempt, find_attempts
from towpath_operator.store.declared import DEPLOYMENTS, FLOWS
from towpath_operator.store.engine import TOPIC_CHANGES, TOPIC_CLAIMS, TOPIC_ORDERS, Database, Reader, Transaction
from towpath_operator.store.revisions import get_revision
from towpath_operator.store.rollups import read_total
from towpath_operator.store.types import Row

MOST_CHANGES = 500
BACKSTOP_SECONDS = 15


class FlowRuns:
    """The flow runs of one database."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def get(self, run_id: UUID) -> FlowRunRead:
        """The run with its attempts.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.read() as reader:
            return await read_flow_run(reader, run_id)

    async def list(self, wanted: FlowRunFilter, page: PageRequest, sort: Sort) -> Page[FlowRunRead]:
        """One page of the matching runs in this order."""
        async with self._database.read() as reader:
            found, last = await rows.list_flow_runs(reader, wanted, page, sort)
            total = await _count(reader, wanted)
            views = await view_all(reader, found)
        cursor = None if last is None else encode_cursor((sort.text, last[0], last[1].hex))
        return paged(views, total, cursor)

    async def states(self, run_id: UUID) -> Page[StateRead]:
        """The run's history, oldest first."""
        async with self._database.read() as reader:
            found = await rows.list_states(reader, run_id)
        return paged([view_state(row) for row in found], len(found), None)

    async def find_deployment(self, create: FlowRunCreate, deployment_id: UUID | None) -> Row:
        """The deployment that a run is asked of.

        Raises:
            DeploymentNotFound: when nobody declared it.
            InvalidRequest: when the request names none.
        """
        async with self._database.read() as reader:
            return await find_deployment(reader, create, deployment_id)

    async def create(self, create: FlowRunCreate, deployment_id: UUID | None = None) -> tuple[FlowRunRead, bool]:
        """Makes a run of a deployment, or finds the one that the same request made before.

        Returns:
            the run, and whether it is new.

        Raises:
            DeploymentNotFound, InvalidParameters, InvalidRequest: when the request cannot be met.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            if create.resource is not None and (row := await rows.find_by_resource(connection, create.resource.uid)):
                return (await view_all(connection, [row]))[0], False
            deployment = await find_deployment(connection, create, deployment_id)
            if create.idempotency_key is not None and (
                row := await rows.find_by_key(connection, deployment["id"], create.idempotency_key)
            ):
                return (await view_all(connection, [row]))[0], False
            run_id = await make_run(transaction, create, deployment)
        return await self.get(run_id), True

    async def cancel(self, run_id: UUID) -> FlowRunRead:
        """Cancels a run: at once when nothing runs for it, else by telling its launcher. An ended run stays as it is."""
        async with self._database.write() as transaction:
            row = await rows.find_flow_run(transaction.connection, run_id)
            if row is None:
                raise _no_run(run_id)
            await cancel_row(transaction, row, "The run was cancelled.")
        return await self.get(run_id)

    async def changes(
        self, cursor: int | None, wait_seconds: float, namespaces: Sequence[str] | None
    ) -> FlowRunChanges:
        """Runs that changed after `cursor`, waiting up to `wait_seconds` for the first. Without a cursor, from now on."""
        deadline = now_us() + int(wait_seconds * 1e6)
        while True:
            count = self._signals.count(TOPIC_CHANGES)
            async with self._database.read() as reader:
                newest = await get_revision(reader)
                if cursor is None or cursor > newest:
                    # A cursor from the future is one of a database that was since restored: begin again.
                    return FlowRunChanges(items=[], cursor=newest if cursor is None else 0)
                found = await rows.list_changed(reader, cursor, MOST_CHANGES, namespaces)
                if found:
                    return FlowRunChanges(items=await view_all(reader, found), cursor=found[-1]["revision"])
            cursor = newest
            left = (deadline - now_us()) / 1e6
            if left <= 0 or self._signals.closed:
                return FlowRunChanges(items=[], cursor=cursor)
            await self._signals.wait(TOPIC_CHANGES, count, min(left, BACKSTOP_SECONDS))


async def _count(reader: Reader, wanted: FlowRunFilter) -> int:
    """How many runs match, up to the cap. Where the histograms' counts say that there are more than that, none is looked at."""
    scope = await find_scope(reader, wanted.flows, wanted.deployments, wanted.tags)
    if scope is not None and wanted.since is None and wanted.until is None and is_kept(wanted):
        codes = {code for code, _ in wanted.states}
        by_state = await read_total(reader, FLOW_RUNS, *scope, wanted.namespaces)
        kept = sum(number for code, number in by_state.items() if not codes or code in codes)
        if kept > COUNTED:
            return kept
    return await rows.count_flow_runs(reader, wanted)


def _no_run(run_id: UUID) -> NotFound:
    return NotFound(f"There is no flow run {run_id}.")


async def read_flow_run(reader: Reader, run_id: UUID) -> FlowRunRead:
    """The run with its attempts.

    Raises:
        NotFound: when there is none.
    """
    row = await rows.find_flow_run(reader, run_id)
    if row is None:
        raise _no_run(run_id)
    return (await view_all(reader, [row]))[0]


async def view_all(reader: Reader, found: Sequence[Row]) -> list[FlowRunRead]:
    """The models of these rows, with their attempts."""
    attempts = await find_attempts(reader, [row["id"] for row in found if row["attempt"]])
    return [view_flow_run(row, attempts.get(row["id"], ())) for row in found]


async def find_deployment(reader: Reader, create: FlowRunCreate, deployment_id: UUID | None) -> Row:
    """The declared deployment that `create` or the path names.

    Raises:
        DeploymentNotFound: when nobody declared it.
        InvalidRequest: when the request names none.
    """
    if deployment_id is not None:
        row = await DEPLOYMENTS.find(reader, deployment_id)
        named = str(deployment_id)
    elif create.deployment is None:
        raise InvalidRequest("`deployment` is missing: name the deployment to run, as flow/deployment.")
    else:
        named = f"{create.deployment!r} in namespace {create.namespace!r}"
        row = await _find_named_deployment(reader, create.namespace, create.deployment)
    if row is None or row["deleted"] is not None:
        raise DeploymentNotFound(f"There is no deployment {named}: apply it first, or name it as flow/deployment.")
    return row


async def _find_named_deployment(reader: Reader, namespace: str, name: str) -> Row | None:
    flow_name, slash, deployment_name = name.partition("/")
    if not slash:
        return await DEPLOYMENTS.find_slug(reader, namespace, name)
    flow = await FLOWS.find_named(reader, namespace, flow_name)
    if flow is None:
        return None
    return await DEPLOYMENTS.find_named(reader, namespace, deployment_name, flow_id=flow["id"])


async def enter_state(
    transaction: Transaction,
    row: Row,
    state_type: StateType,
    *,
    name: str | None = None,
    message: str | None = None,
    time: int | None = None,
    state_id: UUID | None = None,
    details: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    """Puts a run into a state that the caller has judged, and changes further fields with it."""
    code = CODES[state_type]
    now = now_us() if time is None else time
    kept = kept_name(code, name or default_name(state_type))
    state = rows.StateValues(
        state_id or uuid7(),
        code,
        kept,
        now,
        message,
        row["run_count"],
        values.get("attempt", row["attempt"]),
        True,
        details,
    )
    await rows.insert_state(transaction, row["id"], state)
    changed: dict[str, Any] = {"state_id": state.id, "state_type": code, "state_name": kept, "state_time": now} | values
    if code >= FIRST_ENDED:
        changed |= {"end_time": now, "waiting_for": None}
        transaction.wake(TOPIC_CLAIMS)
    before = row["state_type"] if row["state_id"] is not None else None
    started, ended = row["start_time"], changed.get("end_time")
    seconds = max(0, ended - started) / 1e6 if started is not None and ended is not None else None
    transaction.entered.append(
        Entered(RunKind.FLOW_RUN, row["id"].bytes, row["flow_name"], before, code, seconds, state.id.bytes)
    )
    await rows.update_flow_run(transaction, row["id"], changed)


async def cancel_row(transaction: Transaction, row: Row, message: str) -> None:
    """Cancels a run, or asks its launcher to; leaves one that has ended or is being cancelled."""
    before = TYPES[row["state_type"]]
    if before in TERMINAL or before is StateType.CANCELLING:
        return
    held = row["state_type"] != CODES[StateType.SCHEDULED] and not await _has_no_process(transaction, row)
    verdict = judge(Transition(RunKind.FLOW_RUN, before, StateType.CANCELLING, has_infrastructure=held))
    if not verdict.accepted:
        return
    await enter_state(transaction, row, verdict.instead or StateType.CANCELLING, message=message, paused_until=None)
    transaction.wake(TOPIC_ORDERS)


async def _has_no_process(transaction: Transaction, row: Row) -> bool:
    """Whether a run is suspended and its attempt was reported ended: nobody is left who could cancel it."""
    if not is_suspended(TYPES[row["state_type"]], shown_name(row["state_type"], row["state_name"])):
        return False
    attempt = await find_attempt(transaction.connection, row["id"], row["attempt"])
    return attempt is None or attempt["ended_at"] is not None
