"""The calls that the operator makes, each by the contract's models. Called by the reconcilers.

All of them raise ApiUnavailable and ApiRefused; see transport for what repeats a call.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from towpath.contract.declared import Declaration, DeclaredRead
from towpath.contract.runs import (
    AttemptEnded,
    AttemptLaunched,
    AttemptWaiting,
    ClaimRequest,
    Claims,
    FlowRunChanges,
    FlowRunCreate,
    FlowRunRead,
    Page,
)
from towpath_operator.apiclient.errors import ApiRefused, ApiUnavailable
from towpath_operator.apiclient.transport import Query, Transport

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=DeclaredRead)

_PAGE = 200


class ApiClient:
    """Typed calls over a Transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def put_declared(self, path: str, declaration: Declaration, answer: type[R]) -> R:
        """Declare a thing, or replace it. `path` is the kind's, as `work-queues`."""
        return await self._call("PUT", f"/{path}", declaration, answer)

    async def delete_declared(self, path: str, declared_id: UUID) -> None:
        """Take a declaration away; one that is gone already is fine."""
        try:
            await self._transport.send("DELETE", f"/{path}/{declared_id}")
        except ApiRefused as refused:
            if not refused.is_not_found:
                raise

    async def list_declared(
        self, path: str, read: type[R], namespaces: Sequence[str] | None = None
    ) -> AsyncIterator[R]:
        """All that is declared of a kind in the namespaces, or everywhere, page by page."""
        cursor: str | None = None
        while True:
            query: dict[str, Query] = {"limit": _PAGE}
            if namespaces is not None:
                query["namespace"] = list(namespaces)
            if cursor is not None:
                query["cursor"] = cursor
            page = _read(Page[read], await self._transport.send("GET", f"/{path}", query=query))
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_flow_run(self, request: FlowRunCreate) -> FlowRunRead:
        """Register a run. With the same idempotency key again, the answer is the first one's run."""
        return await self._call("POST", "/flow-runs", request, FlowRunRead)

    async def find_flow_run(self, run_id: UUID) -> FlowRunRead | None:
        """The run, None when the API has none of this id."""
        try:
            return _read(FlowRunRead, await self._transport.send("GET", f"/flow-runs/{run_id}"))
        except ApiRefused as refused:
            if refused.is_not_found:
                return None
            raise

    async def cancel_flow_run(self, run_id: UUID) -> FlowRunRead:
        """Ask for a run's end; one that has ended is answered unchanged."""
        return _read(FlowRunRead, await self._transport.send("POST", f"/flow-runs/{run_id}/cancel"))

    async def claim(self, request: ClaimRequest) -> Claims:
        """Wait for due runs and lease them."""
        return await self._call("POST", "/work-queues/claims", request, Claims, wait_seconds=request.wait_seconds)

    async def report_launched(self, run_id: UUID, attempt: int, report: AttemptLaunched) -> FlowRunRead:
        """The attempt's Job exists."""
        return await self._call("POST", f"/flow-runs/{run_id}/attempts/{attempt}/launched", report, FlowRunRead)

    async def report_waiting(self, run_id: UUID, attempt: int, report: AttemptWaiting) -> FlowRunRead:
        """The attempt's pod does not start, and why."""
        return await self._call("POST", f"/flow-runs/{run_id}/attempts/{attempt}/waiting", report, FlowRunRead)

    async def report_ended(self, run_id: UUID, attempt: int, report: AttemptEnded) -> FlowRunRead:
        """The attempt's pod ended, and how."""
        return await self._call("POST", f"/flow-runs/{run_id}/attempts/{attempt}/ended", report, FlowRunRead)

    async def get_changes(
        self, cursor: int | None, wait_seconds: float, namespaces: Sequence[str] | None = None
    ) -> FlowRunChanges:
        """Wait for runs that changed after `cursor`; None asks only where the changes are now."""
        query: dict[str, Query] = {"wait_seconds": wait_seconds}
        if namespaces is not None:
            query["namespace"] = list(namespaces)
        if cursor is not None:
            query["cursor"] = cursor
        content = await self._transport.send("GET", "/flow-runs/changes", query=query, wait_seconds=wait_seconds)
        return _read(FlowRunChanges, content)

    async def _call(self, method: str, path: str, body: BaseModel, answer: type[M], wait_seconds: float = 0) -> M:
        content = await self._transport.send(
            method, path, body=body.model_dump_json(by_alias=True).encode(), wait_seconds=wait_seconds
        )
        return _read(answer, content)


def _read(answer: type[M], content: bytes) -> M:
    """The API's answer. What a newer API says beyond our models is ignored, also in the specs, which refuse it in manifests.

    Raises:
        ApiUnavailable: the answer is malformed: the API, or what stands before it, is broken or too different a version.
    """
    try:
        return answer.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ApiUnavailable(f"The API's answer cannot be read: {first['msg']} (at {where or 'its start'}).") from error
