"""Which of a writer's numbered events have been applied. Pure; ingest loads, asks and stores it.

Numbers rise from 1 without gaps at the writer, but batches may come twice, overlap, or overtake one another (a spool sent
after the live ones), so what came beyond a gap is remembered as ranges until the gap is filled.
"""

from dataclasses import dataclass, field

MAX_RANGES = 1_000
"""More gaps than this is no writer of ours, and would make its row grow without bound."""


@dataclass(slots=True)
class Applied:
    """What of one writer has been applied.

    Attributes:
        upto: every number up to this one.
        beyond: further ranges as [first, last], in order, apart from one another and from `upto`.
    """

    upto: int = 0
    beyond: list[list[int]] = field(default_factory=list[list[int]])

    @property
    def highest(self) -> int:
        """The highest number applied."""
        return self.beyond[-1][1] if self.beyond else self.upto

    def missing(self, first: int, count: int) -> list[range]:
        """The numbers of `first` .. `first + count - 1` that have not been applied, as ranges in order."""
        last = first + count - 1
        at = max(first, self.upto + 1)
        new: list[range] = []
        for low, high in self.beyond:
            if low > last:
                break
            if at < low:
                new.append(range(at, low))
            at = max(at, high + 1)
        if at <= last:
            new.append(range(at, last + 1))
        return new

    def add(self, first: int, count: int) -> None:
        """Marks `first` .. `first + count - 1` as applied."""
        if count <= 0:
            return
        merged = _merge([[1, self.upto], *self.beyond, [first, first + count - 1]])
        if merged[0][0] == 1:
            self.upto = merged[0][1]
            self.beyond = merged[1:]
        else:
            self.beyond = merged

    @property
    def too_scattered(self) -> bool:
        """Whether there are more gaps than any writer of ours leaves."""
        return len(self.beyond) > MAX_RANGES


def _merge(ranges: list[list[int]]) -> list[list[int]]:
    merged: list[list[int]] = []
    for low, high in sorted(ranges):
        if high < low:
            continue
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return merged
