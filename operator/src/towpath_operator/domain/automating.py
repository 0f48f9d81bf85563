"""What automations follow from a run's new state, and when their actions are tried again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from towpath.contract.durations import parse_duration
from towpath_operator.domain.codes import parse_state_filter
from towpath_operator.domain.notifying import Selector, build_selector
from towpath_operator.domain.times import SECOND

MAX_DEPTH = 3
"""How many automations may follow from one another: a run that one makes, whose state makes one do something, and so on."""
MOST_IN_AN_HOUR = 1_000
HOUR = 3_600 * SECOND
KEY_PREFIX = "automation:"
"""Begins the idempotency key of a run that an automation makes: `automation:<depth>:<firing>:<action>`."""
FIRST_PAUSE = 5 * SECOND
LONGEST_PAUSE = 600 * SECOND
MOST_ATTEMPTS = 12
"""Within about an hour."""


@dataclass(frozen=True)
class Rule:
    """An automation that is not paused.

    Attributes:
        expected: the states whose coming averts it, as a selector of the same runs; None when it acts at once.
        within: how long they may take, in microseconds.
    """

    id: UUID
    namespace: str
    name: str
    selector: Selector
    expected: Selector | None
    within: int

    def may_concern(self, code: int) -> bool:
        """Whether a state of this type can matter."""
        return self.selector.may_match(code) or (self.expected is not None and self.expected.may_match(code))


def build_rule(automation_id: UUID, namespace: str, name: str, spec: Mapping[str, Any]) -> Rule | None:
    """What an automation's row says; None for one that is paused."""
    if spec.get("paused"):
        return None
    trigger: Mapping[str, Any] = spec["trigger"]
    selector = build_selector(namespace, trigger, trigger["states"])
    if trigger.get("expect") is None:
        return Rule(automation_id, namespace, name, selector, None, 0)
    expected = Selector(namespace, tuple(parse_state_filter(state) for state in trigger["expect"]))
    within = int(parse_duration(trigger["within"]).total_seconds() * SECOND)
    return Rule(automation_id, namespace, name, selector, expected, within)


def depth_of(idempotency_key: str | None) -> int:
    """How many automations lie behind a run: 0 for one that somebody or a schedule asked for."""
    if idempotency_key is None or not idempotency_key.startswith(KEY_PREFIX):
        return 0
    depth = idempotency_key.removeprefix(KEY_PREFIX).partition(":")[0]
    return int(depth) if depth.isdigit() and len(depth) < 4 else MAX_DEPTH


def make_key(depth: int, firing_id: UUID, action: int) -> str:
    """The idempotency key of a run that an action makes: the same however often it is tried."""
    return f"{KEY_PREFIX}{depth + 1}:{firing_id.hex}:{action}"


def why_skipped(depth: int, recently: int) -> str | None:
    """Why nothing is done although it should be; None when it is done.

    Args:
        depth: how many automations lie behind the run.
        recently: how often this automation had something to do in the last hour.
    """
    if depth >= MAX_DEPTH:
        return f"The run was made by automations that follow from one another; more than {MAX_DEPTH} may not."
    if recently >= MOST_IN_AN_HOUR:
        return f"It has had something to do {recently} times within an hour; more than {MOST_IN_AN_HOUR} may not be."
    return None


def next_try(attempts: int, now: int) -> int | None:
    """When actions that have failed `attempts` times are tried again, in microseconds; None when they are given up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
