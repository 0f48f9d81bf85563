"""Keeps one run's result: writes it with what reading it needs, and keeps the index of cached results beside it.

A stored result is one line of JSON (serializer, versions, size) and the payload. The index has a small JSON file for each
cache key, named by the key's hash, that says where the newest result is and until when it counts: no server is needed to find it.
Of older results it knows those that count for longer than all newer ones: they serve again when the newer have expired.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from towpath.errors import MissingResult, ResultError
from towpath.results.storages import ResultStorage
from towpath.serializers import Serializer, find_serializer
from towpath.states import StoredResult

CACHE_FOLDER = "cache"
MOST_OLDER: Final = 16
"""How many older results of a key the index knows; tasks whose expiration does not change have none."""


class StoredValue(StoredResult):
    """A result in a storage, in the place of the data in a state.

    Attributes:
        address: where it lies, for people.
    """

    __slots__ = ("_key", "_storage")

    def __init__(self, storage: ResultStorage, key: str) -> None:
        super().__init__(storage.locate(key))
        self._storage = storage
        self._key = key

    def load(self) -> Any:
        """The data.

        Raises:
            MissingResult: nothing is stored there any more.
            SerializationError: it cannot be read back.
        """
        data = self._storage.read(self._key)
        if data is None:
            raise MissingResult(f"The result at {self.address} is not there any more.")
        return decode(data)

    def __repr__(self) -> str:
        return f"StoredValue({self.address!r})"


class Hit(NamedTuple):
    """A cached result that counts."""

    stored: StoredValue
    value: Any


class ResultStore:
    """Stores and finds the results of one flow's or task's runs.

    Args:
        storage: where the results lie.
        serializer: how they are written; they are read back however they were written.
        index: where the cache's index lies; None: with the results.
    """

    def __init__(
        self, storage: ResultStorage, serializer: Serializer | str = "pickle", index: ResultStorage | None = None
    ) -> None:
        self.storage = storage
        self.serializer = find_serializer(serializer)
        self.index = index or storage

    def write(self, key: str, value: Any) -> StoredValue:
        """Stores a result.

        Raises:
            SerializationError: the serializer does not take the value.
            ResultError: the storage cannot be written.
        """
        self.storage.write(key, encode(value, self.serializer))
        return StoredValue(self.storage, key)

    def keep_in(self, key: str) -> StoredValue:
        """What was stored under `key`, here or by another process; not read yet."""
        return StoredValue(self.storage, key)

    def remember(self, cache_key: str, key: str, expires_us: int | None) -> None:
        """Makes the result under `key` the newest one for `cache_key`.

        Two processes that do so at a time may lose an older one: it is computed again, later.

        Args:
            expires_us: until when it counts, in microseconds since 1970; None for ever.
        """
        path = _index_path(cache_key)
        entry: dict[str, Any] = {"cache_key": cache_key, "key": key, "expires": expires_us}
        entry["time"] = time.time_ns() // 1_000
        if expires_us is not None and (older := find_outliving(_read_entries(self.index.read(path)), key, expires_us)):
            entry["older"] = [one._asdict() for one in older]
        self.index.write(path, json.dumps(entry).encode())

    def find(self, cache_key: str, now_us: int) -> Hit | None:
        """The newest result for `cache_key` that counts still; None if there is none, or it cannot be read any more.

        That one's having been deleted is taken as the wish that it be computed again: none older serves in its place.
        """
        entries = _read_entries(self.index.read(_index_path(cache_key)))
        entry = next((one for one in entries if one.expires is None or one.expires > now_us), None)
        if entry is None:
            return None
        stored = StoredValue(self.storage, entry.key)
        try:
            return Hit(stored, stored.load())
        except ResultError:
            return None
        except MissingResult:
            return None


class Entry(NamedTuple):
    """A result that the index knows.

    Attributes:
        key: where it lies in the result storage.
        expires: until when it counts, in microseconds since 1970; None for ever.
    """

    key: str
    expires: int | None


def find_outliving(entries: Iterable[Entry], key: str, expires_us: int) -> list[Entry]:
    """Those of a key's results, newest first, that count for longer than a new one and are not overwritten by it."""
    found: list[Entry] = []
    last: int | None = expires_us
    for entry in entries:
        if last is not None and entry.key != key and (entry.expires is None or entry.expires > last):
            found.append(entry)
            last = entry.expires
    return found[:MOST_OLDER]


def _read_entries(data: bytes | None) -> list[Entry]:
    """The results that an index file knows, newest first; none where it is missing or damaged."""
    if data is None:
        return []
    try:
        newest = json.loads(data)
        return [Entry(one["key"], one["expires"]) for one in [newest, *newest.get("older", ())]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _index_path(cache_key: str) -> str:
    return f"{CACHE_FOLDER}/{hashlib.sha256(cache_key.encode()).hexdigest()}.json"


def encode(value: Any, serializer: Serializer) -> bytes:
    """A stored result's bytes."""
    payload = serializer.dumps(value)
    head = {"serializer": serializer.name, "python": ".".join(map(str, sys.version_info[:3])), "size": len(payload)}
    return json.dumps(head).encode() + b"\n" + payload


def decode(data: bytes) -> Any:
    """A stored result's value.

    Raises:
        SerializationError: the payload cannot be read.
        ResultError: it is not a stored result.
    """
    line, newline, payload = data.partition(b"\n")
    try:
        head = json.loads(line)
        name, size = head["serializer"], head["size"]
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError("What is stored there is not a result.") from error
    if not newline or len(payload) != size:
        raise ResultError(f"The stored result is incomplete: {len(payload)} of {size} bytes are there.")
    return find_serializer(name).loads(payload)
