"""Waits until everything a process has told is stored by the server, for either library.

Imported by the workload scripts, which run in an environment that has only one of the two.
"""

import importlib


def flush(module: str) -> None:
    """Returns once the events and logs of this process have been acknowledged."""
    if module == "prefect":
        _flush_prefect()
    else:
        importlib.import_module("towpath.client.telling").flush_all(60)


def _flush_prefect() -> None:
    """Drains the two workers that carry events and logs; they start again when next used."""
    importlib.import_module("prefect.logging.handlers").APILogWorker.drain_all()
    importlib.import_module("prefect.events.worker").EventsWorker.drain_all()
