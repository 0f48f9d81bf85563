"""Flows that the end-to-end tests run in pods: one for each way a run can go. Brought to the pods by a ConfigMap."""

import os
import time

from towpath import flow, get_run_logger, task


@task
def double(number: int) -> int:
    """Twice the number."""
    return number * 2


@flow
def succeeds(number: int = 1) -> int:
    """Doubles a number and says so."""
    doubled = double(number)
    get_run_logger().info("doubled is %d", doubled)
    return doubled


@flow
def fails() -> None:
    """Raises."""
    raise ValueError("the cargo is wet")


_tries: list[int] = []


@task(retries=2, retry_delay_seconds=0.1)
def open_lock() -> int:
    """Succeeds at its third try."""
    _tries.append(1)
    if len(_tries) < 3:
        raise ConnectionError(f"the lock is shut at try {len(_tries)}")
    return len(_tries)


@flow
def retries() -> int:
    """Has a task that fails twice."""
    return open_lock()


@task
def linger(seconds: float) -> None:
    """Takes its time."""
    time.sleep(seconds)


@flow(log_prints=True)
def lingers(seconds: float = 600) -> None:
    """Runs until it is ended, or for some seconds."""
    print("lingering")
    linger(seconds)


@flow
def stays(seconds: float = 600) -> None:
    """As `lingers`, for tests that end the operator meanwhile."""
    linger(seconds)


@flow
def recovers() -> None:
    """Runs until its first pod is lost, and ends in the next."""
    linger(600 if os.environ["TOWPATH_ATTEMPT"] == "1" else 0)


@flow(log_prints=True)
def eats() -> None:
    """Uses memory until there is no more."""
    print("eating", flush=True)
    eaten = [bytearray(16 * 1024 * 1024) for _ in range(1_000)]
    print(len(eaten))


@task(tags=["dock"])
def unload(seconds: float) -> None:
    """Takes its time, at a dock that may be taken."""
    time.sleep(seconds)


@flow
def docks(seconds: float = 600) -> None:
    """Has one task with the tag `dock`."""
    unload(seconds)
