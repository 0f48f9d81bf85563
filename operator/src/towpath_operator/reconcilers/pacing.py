"""How long a loop pauses after failures: twice as long each time, at most half a minute. Used by the API's waiting requests."""

_FIRST = 0.5
_MOST = 30.0


class Pacing:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        """Begin again."""
        self._failures = 0

    def failed(self) -> float:
        """Seconds to pause after one more failure."""
        self._failures += 1
        return min(_MOST, _FIRST * 2 ** min(self._failures - 1, 10))
