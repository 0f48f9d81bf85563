"""Kubernetes objects of a run as people see them: the API server's JSON turned into the contract's models. Pure.

Called by domain.run_objects. What is missing or malformed in an object is left out, and so is what may be secret.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from towpath.contract.kubernetes import (
    ConditionRead,
    ContainerEndRead,
    ContainerRead,
    EventRead,
    FlowRunObjectRead,
    JobRead,
    PodRead,
)
from towpath_operator.domain.reading import Raw, get_int, get_list, get_map, get_str, get_time, parse_int
from towpath_operator.domain.redacting import hide_credentials

MOST_CHARACTERS: Final = 4_000
"""Of one message; the kubelet keeps no more of a container's either."""
MOST_OF_A_WORD: Final = 300
"""Of a type or reason, which are words; nothing keeps who writes events from more."""

_Role = Literal["init", "main", "debug"]
_CONTAINERS: Final[tuple[tuple[_Role, str, str], ...]] = (
    ("init", "initContainers", "initContainerStatuses"),
    ("main", "containers", "containerStatuses"),
    ("debug", "ephemeralContainers", "ephemeralContainerStatuses"),
)


def view_flow_run_object(body: Raw, events: Iterable[Raw]) -> FlowRunObjectRead:
    """A FlowRun with its events."""
    metadata = get_map(body, "metadata")
    return FlowRunObjectRead(
        name=get_str(metadata, "name"),
        uid=get_str(metadata, "uid"),
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        created=get_time(metadata, "creationTimestamp"),
        conditions=_view_conditions(body),
        events=view_events(events),
    )


def view_job_object(body: Raw) -> JobRead:
    """A Job."""
    metadata, status = get_map(body, "metadata"), get_map(body, "status")
    return JobRead(
        name=get_str(metadata, "name"),
        uid=get_str(metadata, "uid"),
        suspended=get_map(body, "spec").get("suspend") is True,
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        active=get_int(status, "active") or 0,
        succeeded=get_int(status, "succeeded") or 0,
        failed=get_int(status, "failed") or 0,
        created=get_time(metadata, "creationTimestamp"),
        start_time=get_time(status, "startTime"),
        end_time=get_time(status, "completionTime"),
        conditions=_view_conditions(body),
    )


def view_pod_object(body: Raw) -> PodRead:
    """A pod with its containers, those first that start first."""
    metadata, spec, status = get_map(body, "metadata"), get_map(body, "spec"), get_map(body, "status")
    return PodRead(
        name=get_str(metadata, "name"),
        uid=get_str(metadata, "uid"),
        phase=get_str(status, "phase") or "Unknown",
        reason=_word(status, "reason"),
        message=_text(status, "message"),
        node=get_str(spec, "nodeName"),
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        created=get_time(metadata, "creationTimestamp"),
        start_time=get_time(status, "startTime"),
        conditions=_view_conditions(body),
        containers=[
            container
            for role, listed, reported in _CONTAINERS
            for container in _view_containers(role, get_list(spec, listed), get_list(status, reported))
        ],
    )


def view_events(events: Iterable[Raw], most: int = 100) -> list[EventRead]:
    """Events, newest last; of many the newest.

    Most components tell whole seconds and some fractions of one, so within a second the order is that in which they were written.
    """
    viewed = [(_view_event(body), parse_int(get_str(body, "metadata", "resourceVersion")) or 0) for body in events]
    viewed.sort(key=lambda each: (_whole_seconds(each[0].last_time), each[1]))
    return [event for event, _ in viewed[-most:]]


def _whole_seconds(time: datetime | None) -> int:
    return int(time.timestamp()) if time is not None else 0


def _view_event(body: Raw) -> EventRead:
    """An event of either of Kubernetes' two forms: one counts in `count`, the other in `series`."""
    about, series = get_map(body, "involvedObject"), get_map(body, "series")
    began = get_time(body, "firstTimestamp") or get_time(body, "eventTime")
    made = began or get_time(body, "metadata", "creationTimestamp")
    return EventRead(
        kind=get_str(about, "kind"),
        name=get_str(about, "name"),
        type=_word(body, "type") or "Normal",
        reason=_word(body, "reason"),
        message=_text(body, "message"),
        count=max(get_int(body, "count") or get_int(series, "count") or 1, 1),
        source=_word(body, "source", "component") or _word(body, "reportingComponent"),
        first_time=made,
        last_time=get_time(body, "lastTimestamp") or get_time(series, "lastObservedTime") or made,
    )


def _view_conditions(body: Raw) -> list[ConditionRead]:
    return [
        ConditionRead(
            type=_word(condition, "type"),
            status=get_str(condition, "status"),
            reason=_word(condition, "reason"),
            message=_text(condition, "message"),
            time=get_time(condition, "lastTransitionTime"),
        )
        for condition in get_list(body, "status", "conditions")
    ]


def _view_containers(role: _Role, specs: Sequence[Any], statuses: Sequence[Any]) -> list[ContainerRead]:
    reported = {get_str(status, "name"): get_map(status) for status in statuses}
    return [_view_container(role, spec, reported.get(get_str(spec, "name"), {})) for spec in specs]


def _view_container(role: _Role, spec: Raw, status: Raw) -> ContainerRead:
    waiting, running = get_map(status, "state", "waiting"), get_map(status, "state", "running")
    ended = get_map(status, "state", "terminated")
    state = "terminated" if ended else "running" if running else "waiting" if waiting else "unknown"
    end = _view_end(ended)
    return ContainerRead(
        name=get_str(spec, "name"),
        role=role,
        image=get_str(spec, "image"),
        image_id=get_str(status, "imageID"),
        state=state,
        reason=_word(waiting, "reason") or _word(ended, "reason"),
        message=_text(waiting, "message") or (end.message if end is not None else ""),
        ready=get_map(status).get("ready") is True,
        restarts=get_int(status, "restartCount") or 0,
        start_time=get_time(running, "startedAt") or get_time(ended, "startedAt"),
        end=end,
        last_end=_view_end(get_map(status, "lastState", "terminated")),
    )


def _view_end(ended: Raw) -> ContainerEndRead | None:
    if not ended:
        return None
    return ContainerEndRead(
        exit_code=get_int(ended, "exitCode"),
        signal=get_int(ended, "signal"),
        reason=_word(ended, "reason"),
        message="" if _is_document(get_str(ended, "message")) else _text(ended, "message"),
        start_time=get_time(ended, "startedAt"),
        end_time=get_time(ended, "finishedAt"),
    )


def _is_document(message: str) -> bool:
    """Whether a termination message is the runner's: the run's last state, for the operator, which the run's states show."""
    if not message.startswith("{"):
        return False
    try:
        json.loads(message)
    except ValueError:
        return False
    return True


def _word(raw: Raw, *path: str) -> str:
    return get_str(raw, *path)[:MOST_OF_A_WORD]


def _text(raw: Raw, name: str) -> str:
    return hide_credentials(get_str(raw, name).strip()[:MOST_CHARACTERS])
