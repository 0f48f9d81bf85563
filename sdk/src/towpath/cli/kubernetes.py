"""Shows what Kubernetes has of a run: its containers and its events as tables. Called by `towpath flow-run inspect --kubernetes`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from towpath.cli.output import as_text, print_table

if TYPE_CHECKING:
    from towpath.contract.kubernetes import AttemptObjectsRead, ContainerRead, EventRead, KubernetesRead, PodRead

CONTAINERS = ("Attempt", "Pod", "Phase", "Container", "State", "Reason", "Exit code", "Restarts")
EVENTS = ("Last seen", "Attempt", "Object", "Type", "Reason", "Count", "Message")


def show_kubernetes(found: "KubernetesRead") -> None:
    """Prints the containers of each attempt, oldest attempt first, then the events, newest last; problems on standard error."""
    print()
    if not found.in_cluster:
        print("The server runs without Kubernetes: its runs have no Job and no pod.")
        return
    for problem in found.problems:
        print(problem, file=sys.stderr)
    containers, events = list(_list_containers(found)), list(_list_events(found))
    if not containers and not events:
        print("Kubernetes has no pod and no event of this run.")
    if containers:
        print_table(CONTAINERS, containers)
    if events:
        print()
        print_table(EVENTS, events)


def _list_containers(found: "KubernetesRead") -> Iterator[list[str]]:
    for attempt in found.attempts:
        for pod in attempt.pods:
            for container in pod.containers:
                yield _describe_container(attempt, pod, container)


def _describe_container(attempt: "AttemptObjectsRead", pod: "PodRead", container: "ContainerRead") -> list[str]:
    exit_code = container.end.exit_code if container.end is not None else None
    values = (attempt.number, pod.name, pod.phase, container.name, container.state, container.reason, exit_code)
    return [_cell(value) for value in (*values, container.restarts)]


def _list_events(found: "KubernetesRead") -> Iterator[list[str]]:
    told: list[tuple[str, EventRead]] = []
    if found.flow_run is not None:
        told += [("", event) for event in found.flow_run.events]
    for attempt in found.attempts:
        told += [(str(attempt.number), event) for event in attempt.events]
    for number, event in sorted(told, key=lambda each: int(each[1].last_time.timestamp()) if each[1].last_time else 0):
        values = (event.last_time, number, event.kind, event.type, event.reason, event.count, event.message)
        yield [_cell(value) for value in values]


def _cell(value: object) -> str:
    """A cell on one line: what Kubernetes tells may hold anything, as escape sequences that a terminal obeys."""
    return " ".join("".join(character if character.isprintable() else " " for character in as_text(value)).split())
