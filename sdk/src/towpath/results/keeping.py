"""Keeps one run's result: writes it with what reading it needs, and keeps the index of cached results beside it.

A stored result is one line of JSON (serializer, versions, size) and the payload. The index has a small JSON file for each
cache key, named by the key's hash, that says where the newest result is and until when it counts: no server is needed to find it.
"""

import hashlib
import json
import sys
import time
from typing import Any, NamedTuple

from towpath.errors import MissingResult, ResultError
from towpath.results.storages import ResultStorage
from towpath.serializers import Serializer, find_serializer
from towpath.states import StoredResult

CACHE_FOLDER = "cache"


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
        """Makes the result under `key` the newest one for `cache_key`."""
        entry = {"cache_key": cache_key, "key": key, "expires": expires_us, "time": time.time_ns() // 1_000}
        self.index.write(_index_path(cache_key), json.dumps(entry).encode())

    def find(self, cache_key: str, now_us: int) -> Hit | None:
        """The newest result for `cache_key`, if it counts still and can be read."""
        data = self.index.read(_index_path(cache_key))
        if data is None:
            return None
        try:
            entry = json.loads(data)
            expires, key = entry["expires"], entry["key"]
        except (ValueError, KeyError, TypeError):
            return None
        if expires is not None and expires <= now_us:
            return None
        stored = StoredValue(self.storage, key)
        try:
            return Hit(stored, stored.load())
        except ResultError:
            return None
        except MissingResult:
            return None


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
