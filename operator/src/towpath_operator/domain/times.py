"""Times between their three forms: microseconds in tables and on the event wire, datetimes in the API's models."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000


def to_micros(time: datetime) -> int:
    """Whole microseconds since 1970, UTC. `time` must be aware."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The time in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def maybe_time(micros: int | None) -> datetime | None:
    """The time in UTC; None for None."""
    return None if micros is None else from_micros(micros)
