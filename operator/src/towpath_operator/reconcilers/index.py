"""What the watches last saw of FlowRuns, Jobs and pods, found by run. Filled by handlers, resync and our own writes.

Holds views, not objects. An entry is replaced by a later version only, so that the answer to a write of ours is never
undone by an older event that was still under way.
"""

from collections.abc import Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from towpath_operator.domain.objects import RunKey


class View(Protocol):
    """What the index needs of a view."""

    @property
    def key(self) -> RunKey: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def resource_version(self) -> str: ...


V = TypeVar("V", bound=View)


class Index(Generic[V]):
    """Views of one kind, by the run they belong to."""

    def __init__(self) -> None:
        self._by_key: dict[RunKey, dict[str, V]] = {}
        self._by_uid: dict[str, V] = {}
        self._gone: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._by_uid)

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._by_uid.values()))

    def put(self, view: V) -> bool:
        """Keep a view, unless a later one is kept or the object is known to be gone. Returns whether it was kept."""
        before = self._by_uid.get(view.uid)
        if view.uid in self._gone or (before is not None and not _is_later(view, before)):
            return False
        if before is not None and before.key != view.key:
            self._take(before)
        self._by_uid[view.uid] = view
        self._by_key.setdefault(view.key, {})[view.uid] = view
        return True

    def remove(self, uid: str) -> None:
        """The object is gone."""
        before = self._by_uid.get(uid)
        if before is not None:
            self._take(before)
        self._gone[uid] = None
        while len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def of(self, key: RunKey) -> list[V]:
        """The views of one run."""
        return list(self._by_key.get(key, {}).values())

    def versions(self) -> Mapping[str, str]:
        """The resource version of every object, by uid."""
        return {uid: view.resource_version for uid, view in self._by_uid.items()}

    def find(self, uid: str) -> V | None:
        """The view of the object with this uid."""
        return self._by_uid.get(uid)

    def _take(self, view: V) -> None:
        self._by_uid.pop(view.uid, None)
        siblings = self._by_key.get(view.key, {})
        siblings.pop(view.uid, None)
        if not siblings:
            self._by_key.pop(view.key, None)


_REMEMBERED = 1_000
"""How many objects that went are remembered, against events of theirs that arrive late."""


def _is_later(view: View, before: View) -> bool:
    return parse_version(view.resource_version) >= parse_version(before.resource_version)


def parse_version(text: str) -> int:
    """A resource version as the number that it is in every API server backed by etcd; 0 when it is none."""
    return int(text) if text.isascii() and text.isdigit() else 0
