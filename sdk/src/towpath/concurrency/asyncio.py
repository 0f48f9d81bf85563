"""`concurrency` and `rate_limit` for asynchronous code. Prefect's module path."""

from collections.abc import Iterable

from towpath.concurrency.holding import concurrency, take_async

__all__ = ["concurrency", "rate_limit"]


async def rate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """See `towpath.concurrency.rate_limit`."""
    await take_async(names, occupy, timeout_seconds, strict)
