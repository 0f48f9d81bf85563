"""How much of a run's words is kept, and how much fits into one batch of events.

Apart from `events`, since the SDK needs these numbers before it needs any wire type.
"""

from typing import Final

SCHEMA: Final = 1
"""Rises when added fields are not enough for older readers."""
MAX_BATCH_ITEMS: Final = 5_000
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
MAX_MESSAGE: Final = 10_000
"""Characters of a state's message; longer ones are cut with a mark."""
MAX_LOG_MESSAGE: Final = 100_000
"""Characters of one log line; longer ones are cut with a mark."""
MAX_TOLD_VALUE: Final = 2_048
"""Bytes, as JSON, of a task's return value that is told as `details.value`; larger ones are not told."""
MAX_ARTIFACT: Final = 1_000_000
"""Bytes, as JSON, of an artifact's data."""
MAX_DESCRIPTION: Final = 10_000
"""Characters of an artifact's description."""
MAX_RESULT: Final = 1024 * 1024
"""Bytes of a result that the API keeps; larger ones belong in a storage of their own."""
MAX_RESULT_KEY: Final = 500
"""Characters of a result's key."""

_MARK: Final = "… [cut: {} of {} characters left out]"


def cut(text: str, limit: int) -> str:
    """`text` if it has at most `limit` characters, else its beginning and a mark that says how much is missing."""
    if len(text) <= limit:
        return text
    room = limit - len(_MARK) - 20
    return text[:room] + _MARK.format(len(text) - room, len(text))
