"""Small results kept by the API: what runs in pods use unless they are told otherwise. Called by `storages.open_storage`.

The API keeps bytes by namespace and key and never looks into them. While it is away a write waits, as long as the run's events
would; so a restart of the API fails no task.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from towpath.contract.limits import MAX_RESULT
from towpath.errors import ApiError, ApiRefused, ResultError, ResultTooLarge, SettingsError
from towpath.settings import get_settings

T = TypeVar("T")
ADDRESS: Final = "api://"
READ_PATIENCE: Final = 30.0
"""Seconds that a read waits for an API that is away: what cannot be read from the cache can be computed."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_TOO_LARGE: Final = 413


class ApiStorage:
    """Results in the API, those of at most 1 MB.

    Args:
        namespace: whose results; None for the settings' namespace, which is a pod's own.
    """

    def __init__(self, namespace: str | None = None) -> None:
        self.namespace = namespace or get_settings().namespace

    def read(self, key: str) -> bytes | None:
        address = self.locate(key)
        return _ask(
            lambda client: client.read_result(key, self.namespace),
            READ_PATIENCE,
            f"The result {address} cannot be read",
        )

    def write(self, key: str, data: bytes) -> None:
        address = self.locate(key)
        if len(data) > MAX_RESULT:
            raise _too_large(len(data))
        failed = f"The result {address} cannot be written"
        try:
            _ask(lambda client: client.write_result(key, data, self.namespace), get_settings().flush_timeout, failed)
        except ResultError as error:
            if isinstance(error.__cause__, ApiRefused) and error.__cause__.status == _TOO_LARGE:
                raise _too_large(len(data)) from error
            raise

    def locate(self, key: str) -> str:
        if not key or any(part in ("", ".", "..") for part in key.split("/")):
            raise ResultError(f"The result key {key!r} leads nowhere: keys are paths below the storage.")
        return f"{ADDRESS}{self.namespace}/{key}"

    def __reduce__(self) -> Any:
        return ApiStorage, (self.namespace,)

    def __repr__(self) -> str:
        return f"ApiStorage({self.namespace!r})"


def _too_large(size: int) -> ResultTooLarge:
    return ResultTooLarge(
        f"the result has {size} bytes, and the API keeps at most {MAX_RESULT}: set TOWPATH_RESULTS_STORAGE to a folder or an "
        "address for larger ones, as s3://bucket/results"
    )


def _ask(question: Callable[[Any], T], patience: float, failed: str) -> T:
    """What the API answers; asked again while it is away, for so many seconds.

    Raises:
        ResultError: it refuses, or stays away.
    """
    from towpath.client.asking import client_for_asking  # noqa: PLC0415 - 200 ms that only results in the API pay

    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE
    while True:
        try:
            with client_for_asking() as client:
                return question(client)
        except (ApiError, SettingsError) as error:
            if not error.retryable or time.monotonic() + pause > deadline:
                raise ResultError(f"{failed}: {str(error).rstrip('.')}.") from error
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
