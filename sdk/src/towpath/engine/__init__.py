"""The engine: one core without I/O that yields what is to be done, and two thin drivers that do it.

    definitions, signatures, retries, names      what flows and tasks are; decided once
    tasks, flows                                 the core: generators, a run's life as a series of effects
    inputs, origins, parameters                  what goes into a run
    outcomes, caching, hashing, transacting      what comes of it, and what is kept
    earlier                                      what earlier attempts have kept
    gates, slots, pausing, control               what is asked of the API: slots, pauses, and what it asks of a run
    telling, plain                               what is told of it
    effects, hooks, timeouts, loops              what can be asked for, and how it is done
    driving                                      the drivers: synchronous and asynchronous
    running, mapping, signals, identity          calls, submits and maps; `run_flow` for runners
    workers, remote                              threads, and other processes

Loading this package loads none of its modules: defining a flow needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from towpath.engine.identity import RunIdentity
    from towpath.engine.running import run_flow

__all__ = ["RunIdentity", "run_flow"]

_HOMES = {"RunIdentity": "towpath.engine.identity", "run_flow": "towpath.engine.running"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
