"""Times between their three forms: microseconds in tables and on the event wire, datetimes in the API's models."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MIN_TIME = -62_135_596_800_000_000
"""The beginning of the year 1, where datetimes begin."""
MAX_TIME = 253_402_300_799_000_000
"""The last second of the year 9999, where datetimes end."""


def to_micros(time: datetime) -> int:
    """Whole microseconds since 1970, UTC. `time` must be aware."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The time in UTC. One that no datetime can show is shown as the nearest: a row must never keep a whole list from being read."""
    return _EPOCH + timedelta(microseconds=max(MIN_TIME, min(micros, MAX_TIME)))


def maybe_time(micros: int | None) -> datetime | None:
    """The time in UTC; None for None."""
    return None if micros is None else from_micros(micros)
