"""Keeps the small results of runs, as bytes that are never looked into: not unpickled, not parsed. Called by their routes."""

from towpath.contract.ids import now_us
from towpath.contract.limits import MAX_RESULT
from towpath_operator.domain.refusals import NotFound, TooLarge
from towpath_operator.store import results as rows
from towpath_operator.store.engine import Database

NOTED_EVERY = 86_400 * 1_000_000
"""Microseconds within which reading a result again is not noted again: reading should write nothing."""


class Results:
    """The results that one database keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, namespace: str, key: str) -> bytes:
        """What is kept there. A result that is read is kept for longer.

        Raises:
            NotFound: when nothing is.
        """
        async with self._database.read() as reader:
            found = await rows.find_result(reader, namespace, key)
        if found is None:
            raise NotFound(f"No result is kept under {key!r} in namespace {namespace!r}.")
        data, used = found
        if now_us() - used > NOTED_EVERY:
            async with self._database.write() as transaction:
                await rows.touch_result(transaction, namespace, key, now_us())
        return data

    async def write(self, namespace: str, key: str, data: bytes) -> None:
        """Keeps `data`, in place of what was there.

        Raises:
            TooLarge: when it is more than the API keeps.
        """
        if len(data) > MAX_RESULT:
            raise TooLarge(
                f"The API keeps results of at most {MAX_RESULT} bytes, this one has {len(data)}: set "
                "TOWPATH_RESULTS_STORAGE to a storage for larger ones."
            )
        async with self._database.write() as transaction:
            await rows.save_result(transaction, namespace, key, data, now_us())

    async def delete(self, namespace: str, key: str) -> None:
        """Deletes what is kept there, if anything is."""
        async with self._database.write() as transaction:
            await rows.delete_result(transaction, namespace, key)
