"""Flows that are suspended, paused, retried, cancelled and limited in pods. Brought to them by a ConfigMap."""

import os
import time

from towpath import flow, get_run_logger, pause_flow_run, suspend_flow_run, task
from towpath.blocks.system import String
from towpath.errors import BlockNotFound


@task(persist_result=True)
def weigh() -> str:
    """Where it ran."""
    return os.environ["HOSTNAME"]


@flow
def suspends() -> None:
    """Waits for a number without a pod, then for a word within one."""
    place = weigh()
    number = suspend_flow_run(wait_for_input=int)
    pause_flow_run(timeout=600)
    get_run_logger().info("weighed at %s, went on at %s with %d", place, os.environ["HOSTNAME"], number)


def note_cancel(flow: object, flow_run: object, state: object) -> None:
    """A hook."""
    get_run_logger().info("the cancellation hook was called")


def note_crash(flow: object, flow_run: object, state: object) -> None:
    """A hook."""
    get_run_logger().info("the crash hook was called")


@flow(on_cancellation=[note_cancel], on_crashed=[note_crash])
def lingers() -> None:
    """Works for ever."""
    get_run_logger().info("begun")
    time.sleep(3_600)


@task(tags=["crane"])
def lift() -> None:
    """Holds what it lifts until the Block `string/set-down` is there."""
    while True:
        try:
            String.load("set-down")
            return
        except BlockNotFound:
            time.sleep(1)


@flow
def lifts() -> None:
    """One limited task."""
    lift()


@flow
def fails_first() -> None:
    """Fails in its first pod."""
    if os.environ["TOWPATH_ATTEMPT"] == "1":
        raise ValueError("the lock is shut")
    get_run_logger().info("through at attempt %s", os.environ["TOWPATH_ATTEMPT"])
