"""Turns a resource that declares something into what the API takes, and the API's answer into a status. Pure.

Called by reconcilers.declared. A new declaring kind is a line in DECLARED.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from towpath.contract import declared
from towpath.contract.declared import Declaration, DeclaredRead, ResourceRef
from towpath.contract.declared_names import NameMismatchError, get_declared_name
from towpath.contract.resources.automation import AUTOMATION
from towpath.contract.resources.base import Kind, Model
from towpath.contract.resources.block import BLOCK, BlockSpec
from towpath.contract.resources.concurrency_limit import CONCURRENCY_LIMIT
from towpath.contract.resources.deployment import DEPLOYMENT
from towpath.contract.resources.flow import FLOW
from towpath.contract.resources.notification import NOTIFICATION
from towpath.contract.resources.work_queue import WORK_QUEUE
from towpath_operator.domain.blocks import check_fields
from towpath_operator.domain.conditions import READY, Reason, Verdict, format_time, merge_conditions
from towpath_operator.domain.reading import Raw, get_int, get_list, get_map, get_str

_MAX_ERROR: Final = 2_000
_ACCEPTED_MESSAGE: Final = "The API holds this as declared."


class Misdeclared(Exception):  # noqa: N818 it is a verdict on a document
    """A resource that the API need not be asked about. `reason` and `sentence` go into its condition."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True)
class DeclaredKind:
    """A kind that declares something.

    Attributes:
        path: where the API keeps it, below `/api`.
        facts_of: the fields of its status that the API counts, as (camelCase) JSON.
    """

    kind: Kind
    path: str
    put: type[Declaration]
    read: type[DeclaredRead]
    facts_of: Callable[[Any], Mapping[str, Any]]


def build_declaration(kind: DeclaredKind, body: Raw) -> Declaration:
    """What the resource declares, as the API takes it.

    Raises:
        Misdeclared: it is malformed, or its names contradict one another.
    """
    metadata = get_map(body, "metadata")
    try:
        spec = kind.kind.spec.model_validate(get_map(body, "spec"))
    except ValidationError as error:
        raise Misdeclared(Reason.INVALID_SPEC, _explain(error)) from error
    return kind.put.model_validate(
        {
            "namespace": get_str(metadata, "namespace"),
            "name": _declared_name(get_str(metadata, "name"), spec),
            "resource": ResourceRef(
                name=get_str(metadata, "name"),
                uid=get_str(metadata, "uid"),
                generation=get_int(metadata, "generation") or 0,
            ),
            "spec": spec,
        }
    )


def build_status(
    body: Raw, verdict: Verdict, facts: Mapping[str, Any], now: datetime, *, observed: bool
) -> dict[str, Any]:
    """The status of a declaring resource.

    Args:
        body: the resource.
        verdict: its Ready condition.
        facts: what the API counts of it.
        now: the transition time of what changes.
        observed: whether this generation has been dealt with; not so while the API is away.
    """
    generation = get_int(body, "metadata", "generation") or 0
    conditions = merge_conditions(get_list(body, "status", "conditions"), [verdict], generation, now)
    status: dict[str, Any] = {**facts, "conditions": conditions}
    if observed:
        status["observedGeneration"] = generation
    return status


def judge_ready(reason: Reason, message: str = _ACCEPTED_MESSAGE) -> Verdict:
    """The Ready condition with this reason."""
    if reason is Reason.ACCEPTED:
        return Verdict(READY, "True", reason, message)
    return Verdict(READY, "Unknown" if reason is Reason.API_UNAVAILABLE else "False", reason, message)


def differs(status: Raw, wanted: Mapping[str, Any]) -> bool:
    """Whether writing `wanted` (a merge patch, whose None takes a field away) would change `status`."""
    return any(status.get(field) != value for field, value in wanted.items())


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in ("spec", *first["loc"]))
    more = error.error_count() - 1
    return f"{field}: {first['msg']}" + (f" (and {more} more)" if more else "")


def _declared_name(metadata_name: str, spec: Model) -> str:
    if isinstance(spec, BlockSpec) and (bad := check_fields(spec.secret_refs)):
        raise Misdeclared(
            Reason.INVALID_SPEC, f"spec.secretRefs: the field {bad[0]!r} makes no file name; use letters, digits, _ . -"
        )
    try:
        return get_declared_name(metadata_name, spec)
    except NameMismatchError as error:
        raise Misdeclared(Reason.NAME_MISMATCH, str(error)) from error


def _time(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)


def _flow_facts(read: declared.FlowRead) -> Mapping[str, Any]:
    return {"deployments": read.deployments, "lastRun": _time(read.last_run)}


def _deployment_facts(read: declared.DeploymentRead) -> Mapping[str, Any]:
    return {
        "nextRun": _time(read.next_run),
        "lastRun": _time(read.last_run),
        "activeRuns": read.active_runs,
    }


def _queue_facts(read: declared.WorkQueueRead) -> Mapping[str, Any]:
    return {"queued": read.queued, "running": read.running, "late": read.late}


def _limit_facts(read: declared.ConcurrencyLimitRead) -> Mapping[str, Any]:
    return {"active": read.active, "waiting": read.waiting}


def _notification_facts(read: declared.NotificationRead) -> Mapping[str, Any]:
    error = None if read.last_error is None else read.last_error[:_MAX_ERROR]
    return {"lastSent": _time(read.last_sent), "lastError": error, "waiting": read.waiting}


def _automation_facts(read: declared.AutomationRead) -> Mapping[str, Any]:
    error = None if read.last_error is None else read.last_error[:_MAX_ERROR]
    return {"lastFired": _time(read.last_fired), "lastError": error, "waiting": read.waiting}


def _no_facts(_: declared.BlockRead) -> Mapping[str, Any]:
    return {}


DECLARED: Final[Sequence[DeclaredKind]] = (
    DeclaredKind(WORK_QUEUE, "work-queues", declared.WorkQueuePut, declared.WorkQueueRead, _queue_facts),
    DeclaredKind(FLOW, "flows", declared.FlowPut, declared.FlowRead, _flow_facts),
    DeclaredKind(
        DEPLOYMENT,
        "deployments",
        declared.DeploymentPut,
        declared.DeploymentRead,
        _deployment_facts,
    ),
    DeclaredKind(BLOCK, "blocks", declared.BlockPut, declared.BlockRead, _no_facts),
    DeclaredKind(
        NOTIFICATION,
        "notifications",
        declared.NotificationPut,
        declared.NotificationRead,
        _notification_facts,
    ),
    DeclaredKind(AUTOMATION, "automations", declared.AutomationPut, declared.AutomationRead, _automation_facts),
    DeclaredKind(
        CONCURRENCY_LIMIT,
        "concurrency-limits",
        declared.ConcurrencyLimitPut,
        declared.ConcurrencyLimitRead,
        _limit_facts,
    ),
)
"""The kinds that declare something, in an order in which those come first that others refer to."""
