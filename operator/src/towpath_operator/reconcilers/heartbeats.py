"""Whether the operator's loops still turn and its watches still tell. Beaten by the loops and the resync, read by /healthz."""

import time
from dataclasses import dataclass, field


@dataclass
class Heartbeats:
    """When each loop last turned, and which watches have missed changes twice in a row."""

    limits: dict[str, float] = field(default_factory=dict[str, float])
    _last: dict[str, float] = field(default_factory=dict[str, float])
    _stalled: set[str] = field(default_factory=set[str])

    def expect(self, name: str, seconds: float) -> None:
        """A loop is to beat at least every `seconds`, beginning now."""
        self.limits[name] = seconds
        self.beat(name)

    def beat(self, name: str) -> None:
        """The loop turned."""
        self._last[name] = time.monotonic()

    def set_stalled(self, watch: str, *, stalled: bool) -> None:
        """Whether a watch misses changes."""
        if stalled:
            self._stalled.add(watch)
        else:
            self._stalled.discard(watch)

    def problems(self) -> list[str]:
        """What is wrong, as sentences; empty when the operator is alive."""
        now = time.monotonic()
        still = [
            f"The loop {name!r} has not turned for {now - self._last[name]:.0f} s."
            for name, limit in self.limits.items()
            if now - self._last[name] > limit
        ]
        return still + [f"The watch of {watch} misses changes." for watch in sorted(self._stalled)]
