"""Results: where the data that runs return is stored, how it is found again, and the index of cached results.

    storages     a folder, an fsspec address, a block, or any object that reads and writes
    api_storage  small results kept by the API
    keeping      one run's result: written, read, indexed by cache key

Loaded by the engine with the first run that stores or looks up a result.
"""

from towpath.results.api_storage import ApiStorage
from towpath.results.keeping import ResultStore, StoredValue
from towpath.results.storages import FolderStorage, FsspecStorage, ResultStorage, open_storage

__all__ = [
    "ApiStorage",
    "FolderStorage",
    "FsspecStorage",
    "ResultStorage",
    "ResultStore",
    "StoredValue",
    "open_storage",
]
