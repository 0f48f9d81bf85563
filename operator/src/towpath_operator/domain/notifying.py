"""Which notifications a run's new state is for, and when a message that was not taken is tried again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from towpath_operator.domain.codes import parse_state_filter, shown_name
from towpath_operator.domain.times import SECOND

FIRST_PAUSE = 5 * SECOND
LONGEST_PAUSE = 3_600 * SECOND
GIVE_UP_AFTER = 24 * 3_600 * SECOND
"""A message that nobody has taken for this long is given up."""


@dataclass(frozen=True)
class RunFacts:
    """What of a run decides whom its states are told.

    Attributes:
        deployment: as `flow/deployment`, and `deployment_slug` its resource name; None without one.
    """

    namespace: str
    flow: str
    deployment: str | None = None
    deployment_slug: str | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Selector:
    """The runs and states that something declared is about. An empty set of tags, flows or deployments matches every run.

    Attributes:
        states: (type code or None, name or None) as domain.codes parses them.
    """

    namespace: str
    states: tuple[tuple[int | None, str | None], ...]
    tags: frozenset[str] = frozenset()
    flows: frozenset[str] = frozenset()
    deployments: frozenset[str] = frozenset()

    def may_match(self, code: int) -> bool:
        """Whether a state of this type can be one of them: cheap, before anything of the run is read."""
        return any(wanted in (None, code) for wanted, _ in self.states)

    def matches_state(self, code: int, kept: str | None) -> bool:
        """Whether a state is one of them. `kept` is the name as rows hold it."""
        name = shown_name(code, kept)
        return any(type_ in (None, code) and wanted in (None, name) for type_, wanted in self.states)

    def matches_run(self, run: RunFacts) -> bool:
        """Whether a run is one of them."""
        return (
            self.namespace == run.namespace
            and (not self.tags or not self.tags.isdisjoint(run.tags))
            and (not self.flows or run.flow in self.flows)
            and (not self.deployments or not self.deployments.isdisjoint({run.deployment, run.deployment_slug}))
        )


@dataclass(frozen=True)
class Policy:
    """A notification that is not paused."""

    id: UUID
    name: str
    selector: Selector
    channels: tuple[str, ...]


def build_selector(namespace: str, spec: Mapping[str, Any], states: Sequence[str]) -> Selector:
    """The selector of a spec as tables hold it (camelCase JSON, defaults left out)."""
    return Selector(
        namespace,
        tuple(parse_state_filter(state) for state in states),
        frozenset(spec.get("tags", ())),
        frozenset(spec.get("flows", ())),
        frozenset(spec.get("deployments", ())),
    )


def build_policy(notification_id: UUID, namespace: str, name: str, spec: Mapping[str, Any]) -> Policy | None:
    """What a notification's row says; None for one that is paused."""
    if spec.get("paused"):
        return None
    return Policy(notification_id, name, build_selector(namespace, spec, spec["states"]), tuple(spec["channels"]))


def build_run_facts(row: Any) -> RunFacts:
    """The facts of a run's row, a mapping with the names of what it belongs to."""
    deployment = row["deployment_name"]
    return RunFacts(
        namespace=row["namespace"],
        flow=row["flow_name"],
        deployment=None if deployment is None else f"{row['flow_name']}/{deployment}",
        deployment_slug=row["deployment_slug"],
        tags=frozenset(row["tags"] or ()),
    )


def next_try(created: int, attempts: int, now: int) -> int | None:
    """When a message that has failed `attempts` times is tried again, in microseconds; None when it is given up."""
    if now - created >= GIVE_UP_AFTER:
        return None
    return now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
