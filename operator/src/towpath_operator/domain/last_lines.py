"""Parses what a pod printed last, as the kubelet gives it with times in front. Pure; called by reconcilers.applying."""

from collections.abc import Iterator
from typing import Final

from towpath.contract.runs import LastLine
from towpath_operator.domain.reading import parse_time

_MAX_LINE: Final = 10_000
_MICROSECONDS: Final = 6


def parse_last_lines(text: str) -> list[LastLine]:
    """The lines that are not empty, oldest first; a line of extreme length is cut."""
    return list(_parse(text))


def _parse(text: str) -> Iterator[LastLine]:
    for line in text.splitlines():
        stamp, _, message = line.partition(" ")
        time = parse_time(_to_micros(stamp))
        if time is None:
            message = line
        if message.strip():
            yield LastLine(message=message[:_MAX_LINE].rstrip(), time=time)


def _to_micros(stamp: str) -> str:
    """The kubelet's nanoseconds cut to the microseconds that Python reads."""
    whole, dot, rest = stamp.partition(".")
    if not dot:
        return stamp
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:_MICROSECONDS].ljust(_MICROSECONDS, '0')}{rest[digits:]}"
