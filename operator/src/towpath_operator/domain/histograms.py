"""Which counts a histogram reads and how they add up to its buckets. Pure; called by services.overviews."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from towpath.contract.overviews import Histogram, HistogramBucket
from towpath.contract.problems import FieldError
from towpath.contract.states import StateType
from towpath_operator.domain.codes import TYPES
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.domain.rollups import WIDTHS
from towpath_operator.domain.times import SECOND, from_micros

MOST_BUCKETS: Final = 1_000
FEW_BUCKETS: Final = 60
"""How many buckets there are at most when nobody says how wide they should be."""
DAY: Final = 86_400
KEPT_SECONDS: Final = {WIDTHS[0]: 3 * DAY, WIDTHS[1]: 45 * DAY}
"""How long counts of the finer widths are kept; those of the widest as long as the runs."""
STEPS: Final = (300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 365 * DAY)


@dataclass(frozen=True)
class Axis:
    """The time axis of a histogram: times in microseconds, widths in seconds.

    Attributes:
        stored: the width of the counts that its buckets are made of.
        offset: how far the buckets' begins are from multiples of their width: days of another time zone.
    """

    since: int
    until: int
    seconds: int
    stored: int
    offset: int = 0

    def bucket_of(self, time: int) -> int:
        """The begin of the bucket that `time` lies in."""
        width, shift = self.seconds * SECOND, self.offset * SECOND
        return (time - shift) // width * width + shift


def plan_axis(since: int | None, until: int | None, seconds: int | None, offset: int, now: int) -> Axis:
    """The axis for what was asked: by default the last day, in at most FEW_BUCKETS.

    Args:
        since, until: microseconds; widened to whole buckets.
        seconds: how wide a bucket should be; it becomes wider where no finer counts are kept.
        offset: seconds by which buckets begin later than multiples of their width, rounded down to the width of the counts.

    Raises:
        InvalidRequest: when the range is empty, or the width does not fit.
    """
    until = now if until is None else until
    since = until - DAY * SECOND if since is None else since
    if since >= until:
        raise _refused("until", "`until` must be later than `since`.")
    if seconds is not None and (seconds % WIDTHS[0] or seconds <= 0):
        raise _refused("bucket_seconds", f"`bucket_seconds` must be a multiple of {WIDTHS[0]}.")
    span = (until - since) / SECOND
    wished = seconds or next((step for step in STEPS if span / step <= FEW_BUCKETS), STEPS[-1])
    kept = _kept((now - since) / SECOND)
    width = -(-wished // kept) * kept
    if span / width > MOST_BUCKETS:
        raise _refused("bucket_seconds", f"These would be more than {MOST_BUCKETS} buckets: ask for wider ones.")
    shift = offset // kept * kept
    stored = max(one for one in WIDTHS if width % one == 0 and shift % one == 0)
    axis = Axis(since, until, width, stored, shift)
    return Axis(axis.bucket_of(since), axis.bucket_of(until - 1) + width * SECOND, width, stored, shift)


def _kept(age: float) -> int:
    """The narrowest width of which counts are kept so many seconds back."""
    return next(width for width in WIDTHS if age <= KEPT_SECONDS.get(width, math.inf))


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [FieldError(field=field, message=message)])


def build_histogram(axis: Axis, counts: Iterable[tuple[int, int, int]], *, capped: bool = False) -> Histogram:
    """The histogram of (time, state code, number) counts, every bucket of the axis with what lies in it."""
    found: dict[int, dict[StateType, int]] = {}
    for time, code, number in counts:
        if number > 0:
            bucket = found.setdefault(axis.bucket_of(time), {})
            bucket[TYPES[code]] = bucket.get(TYPES[code], 0) + number
    width = axis.seconds * SECOND
    return Histogram(
        bucket_seconds=axis.seconds,
        since=from_micros(axis.since),
        until=from_micros(axis.until),
        items=[
            HistogramBucket(start=from_micros(begin), counts=found.get(begin, {}))
            for begin in range(axis.since, axis.until, width)
        ],
        capped=capped,
    )
