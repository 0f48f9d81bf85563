"""Results: where the data that runs return is stored, how it is found again, and the index of cached results.

    storages     a folder, an fsspec address, or any object that reads and writes
    keeping      one run's result: written, read, indexed by cache key

Loaded by the engine with the first run that stores or looks up a result.
"""

from towpath.results.keeping import ResultStore, StoredValue
from towpath.results.storages import FolderStorage, FsspecStorage, ResultStorage, open_storage

__all__ = ["FolderStorage", "FsspecStorage", "ResultStorage", "ResultStore", "StoredValue", "open_storage"]
