"""Who a run is when the API knew it first: what a runner tells the engine about the run that it took."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from towpath.context import Child, Telling
from towpath.errors import TerminationSignal


class RunIdentity(NamedTuple):
    """A flow run that exists in the API already.

    Attributes:
        id: the run's id.
        name: the run's name.
        attempt: the attempt that this process took.
        teller: takes the run's events and stays the caller's to close; None opens one that the engine closes.
        tags: the run's tags.
        deployment_id: the deployment it is a run of.
        run_count: how many times earlier attempts entered RUNNING.
        told_to_stop: gives the TerminationSignal that the process had, if it had one. An asynchronous flow sees its event loop
            end and not the signal, so it asks; the signal says whether `on_cancellation` or `on_crashed` hooks are called.
        stop_raising: called when the run's own code ends it because it was cancelled: the signal that the launcher sends for the same
            reason must not interrupt its hooks.
        earlier: what came of the task runs of earlier attempts that completed and whose results are kept, by their names.
        scheduled_time: when it was to run, or the time of a schedule that it makes up for.
    """

    id: str
    name: str
    attempt: int = 0
    teller: Telling | None = None
    tags: tuple[str, ...] = ()
    deployment_id: str | None = None
    run_count: int = 0
    told_to_stop: Callable[[], TerminationSignal | None] | None = None
    stop_raising: Callable[[], None] | None = None
    earlier: Mapping[str, Child] = {}
    scheduled_time: datetime | None = None
