"""Conditions of Towpath's resources, and the one list of their reasons. Called by declaring and flow_run_status. Pure.

Three condition types exist: `Ready` on what is declared, `Finished` and `Succeeded` on a FlowRun. `Finished` becomes True at
any end, `Succeeded` True or False at the end and is Unknown before, so that `kubectl wait` never hangs on a failure.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from towpath.contract.problems import Code

READY = "Ready"
FINISHED = "Finished"
SUCCEEDED = "Succeeded"

Status = Literal["True", "False", "Unknown"]


class Reason(StrEnum):
    """Why a condition has its status. A FlowRun's conditions also carry the names of its states, as `TimedOut`.

    Each is followed by what to do about it.
    """

    ACCEPTED = "Accepted"
    """The API holds it as declared: nothing."""
    API_UNAVAILABLE = "ApiUnavailable"
    """The API cannot be reached: it is tried again by itself."""
    INVALID_SPEC = "InvalidSpec"
    """The document is malformed: correct the field that the message names."""
    NAME_MISMATCH = "NameMismatch"
    """metadata.name is not what spec.name (and flow or type) makes of it: rename one of them."""
    NAME_TAKEN = "NameTaken"
    """Another resource of the namespace has the same spec.name: rename one of them."""
    FLOW_NOT_FOUND = "FlowNotFound"
    """spec.flow names no Flow of the namespace: apply the Flow; this becomes Ready then."""
    INVALID_PARAMETERS = "InvalidParameters"
    """The flow's parameterSchema refuses the parameters: correct the field that the message names."""
    INVALID_SCHEMA = "InvalidSchema"
    """spec.parameterSchema is no JSON schema: correct it."""
    INVALID_SCHEDULE = "InvalidSchedule"
    """A cron expression, interval, rrule or time zone cannot be read: correct it."""
    FORBIDDEN = "Forbidden"
    """The API does not let the operator write this: check the operator's ServiceAccount and roles."""
    REFUSED = "Refused"
    """The API refused it for another reason, which the message says."""
    DEPLOYMENT_NOT_FOUND = "DeploymentNotFound"
    """spec.deployment names no Deployment of the namespace: apply it, then make another FlowRun."""
    CODE_NOT_LOADABLE = "CodeNotLoadable"
    """The flow's code could not be fetched or imported, or holds no such flow: correct the Flow's entrypoint, storage or image."""
    RUN_LOST = "RunLost"
    """The API no longer has this run: make another FlowRun."""


_BY_CODE: Mapping[str, Reason] = {
    Code.NAME_TAKEN: Reason.NAME_TAKEN,
    Code.FLOW_NOT_FOUND: Reason.FLOW_NOT_FOUND,
    Code.DEPLOYMENT_NOT_FOUND: Reason.DEPLOYMENT_NOT_FOUND,
    Code.INVALID_PARAMETERS: Reason.INVALID_PARAMETERS,
    Code.INVALID_SCHEMA: Reason.INVALID_SCHEMA,
    Code.INVALID_SCHEDULE: Reason.INVALID_SCHEDULE,
    Code.INVALID_REQUEST: Reason.INVALID_SPEC,
    Code.FORBIDDEN: Reason.FORBIDDEN,
    Code.UNAUTHENTICATED: Reason.FORBIDDEN,
}
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")
_MAX_MESSAGE = 2_000


class Verdict(NamedTuple):
    """One condition's content."""

    type: str
    status: Status
    reason: str
    message: str


def reason_of_code(code: str) -> Reason:
    """The reason that stands for a problem's `code`."""
    return _BY_CODE.get(code, Reason.REFUSED)


def reason_word(text: str) -> str:
    """`text` as a condition's reason: one CamelCase word. State names of users may hold anything."""
    words = [word for word in _NOT_WORD.split(text) if word]
    word = "".join(part[0].upper() + part[1:] for part in words)[:63]
    return word if word and word[0].isalpha() else f"State{word}"


def merge_conditions(
    current: Iterable[Any], verdicts: Iterable[Verdict], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """The list of conditions with `verdicts` laid over `current`; a status that stays keeps its transition time.

    Args:
        current: the conditions as the object has them; malformed entries are dropped.
        verdicts: what is true now.
        generation: the generation that was observed.
        now: the transition time of what changes.
    """
    merged: dict[str, dict[str, Any]] = {}
    for condition in current:
        if isinstance(condition, dict) and isinstance(condition.get("type"), str):
            merged[condition["type"]] = condition
    for verdict in verdicts:
        before = merged.get(verdict.type, {})
        unchanged = before.get("status") == verdict.status and before.get("lastTransitionTime")
        merged[verdict.type] = {
            "type": verdict.type,
            "status": verdict.status,
            "reason": verdict.reason,
            "message": verdict.message[:_MAX_MESSAGE],
            "lastTransitionTime": before["lastTransitionTime"] if unchanged else format_time(now),
            "observedGeneration": generation,
        }
    return list(merged.values())


def find_condition(conditions: Iterable[Any], condition_type: str) -> Mapping[str, Any] | None:
    """The condition of this type, None when there is none."""
    for condition in conditions:
        if isinstance(condition, dict) and condition.get("type") == condition_type:
            return condition
    return None


def format_time(time: datetime) -> str:
    """`time` (aware, UTC) as Kubernetes writes it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
