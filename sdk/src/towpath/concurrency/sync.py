"""`concurrency` and `rate_limit` for synchronous code: they block, whatever event loop is at work. Prefect's module path."""

from collections.abc import Iterable

from towpath.concurrency.holding import concurrency, take

__all__ = ["concurrency", "rate_limit"]


def rate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """See `towpath.concurrency.rate_limit`."""
    take(names, occupy, timeout_seconds, strict)
