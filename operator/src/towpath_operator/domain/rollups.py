"""Counts of runs by state over time, as histograms read them: which rows a change of a run moves. Pure.

Filled by store.counting and services.ingest within the transaction that changes the runs; written at its end by store.rollups.
Each run counts once for its namespace, its flow, its deployment and each of its tags, in buckets of three widths.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from towpath_operator.domain.times import SECOND

WIDTHS: Final = (300, 3_600, 86_400)
"""Widths of buckets, in seconds. Each divides the next, and buckets begin at multiples of them since 1970, UTC."""
FLOW_RUNS: Final = 0
TASK_RUNS: Final = 1


class Scope(IntEnum):
    """What a row counts the runs of. Never renumber: databases hold these."""

    NAMESPACE = 0
    FLOW = 1
    DEPLOYMENT = 2
    TAG = 3


Owner = tuple[Scope, str]
WHOLE: Final[Owner] = (Scope.NAMESPACE, "")


class Key(NamedTuple):
    """One row: `kind` is FLOW_RUNS or TASK_RUNS, `bucket` the microsecond at which it begins, `state` a type's code."""

    kind: int
    seconds: int
    scope: int
    owner: str
    bucket: int
    namespace: str
    state: int


_Alike = tuple[int, str, tuple[Owner, ...], int, int]
"""What runs that count in the same rows share: kind, namespace, owners, the narrowest bucket, state."""


class Counts:
    """How much each row rises or falls."""

    def __init__(self) -> None:
        self._alike: dict[_Alike, int] = {}

    def add(self, kind: int, namespace: str, owners: Sequence[Owner], time: int, state: int | None, by: int) -> None:
        """Counts a run in `state`, or with a negative `by` no longer. One without a state counts nowhere."""
        if state is not None:
            alike = (kind, namespace, tuple(owners), bucket_of(time, WIDTHS[0]), state)
            self._alike[alike] = self._alike.get(alike, 0) + by

    def rows(self) -> list[tuple[int | str, ...]]:
        """The changes, in the order of their keys, as rows."""
        changes: dict[Key, int] = defaultdict(int)
        for (kind, namespace, owners, time, state), by in self._alike.items():
            for seconds in WIDTHS:
                for scope, owner in owners:
                    changes[Key(kind, seconds, scope, owner, bucket_of(time, seconds), namespace, state)] += by
        return [(*key, by) for key, by in sorted(changes.items()) if by]


def bucket_of(time: int, seconds: int) -> int:
    """The begin of the bucket that `time` lies in."""
    width = seconds * SECOND
    return time // width * width


def owners_of(flow_id: bytes | None, deployment_id: bytes | None, tags: Iterable[str] = ()) -> list[Owner]:
    """Whom a run counts for."""
    owners: list[Owner] = [WHOLE]
    if flow_id is not None:
        owners.append((Scope.FLOW, flow_id.hex()))
    if deployment_id is not None:
        owners.append((Scope.DEPLOYMENT, deployment_id.hex()))
    owners.extend((Scope.TAG, tag) for tag in set(tags))
    return owners


def owner_text(row_id: UUID) -> str:
    """A flow's or deployment's id as rows name it."""
    return row_id.hex
