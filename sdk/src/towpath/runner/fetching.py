"""Brings a flow's code to where it can be imported. Called by `attempts`.

Code is baked into the image, or lies in a folder of the machine; or a storage Block has it, and it is fetched into a folder of this
attempt's own, which lies in TOWPATH_HOME and goes with the process.
"""

import logging
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from towpath.client.judging import plan_delay
from towpath.client.locks import try_lock
from towpath.contract.resources.flow import FlowSpec, Storage
from towpath.errors import ApiUnavailable, ScriptError, TowpathError

T = TypeVar("T")

_SAY_EVERY: Final = 30.0

logger = logging.getLogger("towpath.runner")


def fetch_code(
    spec: FlowSpec, code_dir: Path, home: Path, namespace: str, say: Callable[[str], None] = lambda text: None
) -> Path:
    """The folder that the flow's entrypoint is relative to. Code from a storage becomes the process' current folder, too.

    Args:
        code_dir: the folder where no storage is named.
        home: TOWPATH_HOME.
        namespace: of the run, and so of the storage's Block.
        say: told what came from where.

    Raises:
        ScriptError: the code cannot be fetched, or what came does not hold the entrypoint; the message says which Block, address,
            commit, path or permission is at fault.
    """
    if spec.storage is None:
        return code_dir
    folder = make_code_folder(home / "code")
    try:
        what = _fetch(spec.storage, spec.entrypoint, folder, namespace)
    except TowpathError as error:
        raise ScriptError(f"The flow's code cannot be fetched from {spec.storage.block}: {error}") from None
    say(f"Fetched {what}.")
    os.chdir(folder)
    return folder


def _fetch(storage: Storage, entrypoint: str, folder: Path, namespace: str) -> str:
    from towpath.blocks.core import Block  # noqa: PLC0415 - 60 ms that code in images does not pay
    from towpath.filesystems.code import check_entrypoint, fetch_from  # noqa: PLC0415

    block = _wait_for_api(lambda: Block.load(storage.block, namespace=namespace))
    what = fetch_from(block, storage.path, folder)
    check_entrypoint(entrypoint, folder, what)
    return what


def _wait_for_api(ask: Callable[[], T]) -> T:
    failures, said_at = 0, float("-inf")
    while True:
        try:
            return ask()
        except ApiUnavailable as error:
            failures += 1
            if time.monotonic() - said_at >= _SAY_EVERY:
                said_at = time.monotonic()
                logger.warning("Waiting to learn where the flow's code is: %s", error)
            time.sleep(plan_delay(failures, None, random.random))


def make_code_folder(parent: Path) -> Path:
    """A new folder for this process' code. Those of processes that are gone are removed.

    Raises:
        ScriptError: it cannot be made.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep_code_folders(parent)
        while True:
            folder = parent / uuid4().hex
            lock = folder.with_suffix(".lock")
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            # Kept open, and so locked, as long as the process lives. Another's sweep may come between opening and locking.
            if try_lock(descriptor) and lock.exists() and os.fstat(descriptor).st_ino == lock.stat().st_ino:
                folder.mkdir(mode=0o700)
                return folder
            os.close(descriptor)
    except OSError as error:
        raise ScriptError(f"There is no room for the flow's code in {parent}: {error.strerror}.") from error


def sweep_code_folders(parent: Path) -> None:
    """Removes the folders whose processes are gone."""
    for lock in parent.glob("*.lock"):
        with suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR)
            try:
                if try_lock(descriptor):
                    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                    lock.unlink()
            finally:
                os.close(descriptor)
