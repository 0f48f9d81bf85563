"""The benchmark's results as text: one row a measure, both sides, the ratio, and what is to be reached. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measure:
    """One row: several values of each side, taken in turn, in `unit`; lower is better.

    Attributes:
        reach: how many times less than theirs ours should be.
    """

    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    reach: float

    @property
    def ratio(self) -> float:
        """How many times less ours is, by the medians."""
        return median(self.theirs) / max(median(self.ours), 1e-12)

    @property
    def reached(self) -> bool:
        """Whether the ratio is what it should be."""
        return self.ratio >= self.reach


def build_table(measures: Sequence[Measure], theirs: str) -> str:
    """A Markdown table of `measures`."""
    lines = [f"| measure | Towpath | {theirs} | times less | to reach | |", "|---|---:|---:|---:|---:|---|"]
    for m in measures:
        ours, other = (f"{median(values):.4g} {m.unit}" for values in (m.ours, m.theirs))
        verdict = "reached" if m.reached else "**not reached**"
        lines.append(f"| {m.name} | {ours} | {other} | {m.ratio:.1f} | {m.reach:g} | {verdict} |")
    return "\n".join(lines)
