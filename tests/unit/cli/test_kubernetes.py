"""What `towpath flow-run inspect --kubernetes` prints of what Kubernetes has."""

from datetime import UTC, datetime
from typing import Any

import pytest

from towpath.cli.kubernetes import show_kubernetes
from towpath.contract.kubernetes import (
    AttemptObjectsRead,
    ContainerEndRead,
    ContainerRead,
    EventRead,
    FlowRunObjectRead,
    KubernetesRead,
    PodRead,
)

NOW = datetime.now(UTC)


def make_event(reason: str, minutes: int, **fields: Any) -> EventRead:
    given: dict[str, Any] = {
        "kind": "Pod",
        "name": "etl-1",
        "type": "Normal",
        "message": "",
        "last_time": NOW.replace(minute=minutes),
    }
    return EventRead(reason=reason, **(given | fields))


def make_pod(*containers: ContainerRead) -> PodRead:
    return PodRead(name="etl-1", uid="u", phase="Failed", node="worker-1", containers=list(containers))


def show(capsys: pytest.CaptureFixture[str], found: KubernetesRead) -> tuple[list[list[str]], str]:
    """What is printed, in words, line by line; and what is printed as an error."""
    show_kubernetes(found)
    captured = capsys.readouterr()
    return [line.split() for line in captured.out.splitlines() if line], captured.err


def test_containers_are_shown_and_below_them_events_newest_last(capsys: pytest.CaptureFixture[str]) -> None:
    killed = ContainerRead(name="flow", state="terminated", reason="OOMKilled", end=ContainerEndRead(exit_code=137))
    attempt = AttemptObjectsRead(number=2, pods=[make_pod(killed)], events=[make_event("Killing", 30)])
    flow_run = FlowRunObjectRead(name="run", uid="u", events=[make_event("Launched", 10, kind="FlowRun", name="run")])
    lines, _ = show(capsys, KubernetesRead(in_cluster=True, flow_run=flow_run, attempts=[attempt]))
    assert lines[1] == ["2", "etl-1", "Failed", "flow", "terminated", "OOMKilled", "137", "0"]
    reasons = [word for line in lines[3:] for word in line if word in ("Launched", "Killing")]
    assert reasons == ["Launched", "Killing"]


def test_a_terminal_is_told_nothing_by_what_kubernetes_tells(capsys: pytest.CaptureFixture[str]) -> None:
    event = make_event("Failed", 1, message="one\x1b[31m\ntwo\x07")
    lines, _ = show(capsys, KubernetesRead(in_cluster=True, attempts=[AttemptObjectsRead(number=1, events=[event])]))
    assert lines[-1][-3:] == ["one", "[31m", "two"]


def test_problems_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    lines, problems = show(capsys, KubernetesRead(in_cluster=True, problems=["It may not."]))
    assert (lines, problems) == (
        [["Kubernetes", "has", "no", "pod", "and", "no", "event", "of", "this", "run."]],
        "It may not.\n",
    )


def test_without_a_cluster_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = show(capsys, KubernetesRead(in_cluster=False))
    assert "without Kubernetes" in " ".join(lines[0])
