"""Keeps secrets of blocks in files that only this user may read: local mode's place for them. Called by services.local_blocks.

Below the folder there is one for each namespace, in it one for each block, in it a file for each field. Nothing here reads the
database, and nothing of it ever gets there.
"""

import contextlib
import os
import shutil
from pathlib import Path

from towpath.contract.block_secrets import local_secret_file
from towpath.contract.resources.block import SecretRef

_OWNER_ONLY = 0o700


class SecretFiles:
    """The secrets of a home.

    Args:
        home: TOWPATH_HOME.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def write(self, namespace: str, ref: SecretRef, value: bytes) -> None:
        """Keeps a secret, in place of what was there; whoever reads meanwhile gets the one or the other, whole.

        Raises:
            OSError: the disk does not take it.
            ValueError: the names lead elsewhere.
        """
        file = self._file(namespace, ref)
        for folder in (file.parents[2], file.parents[1], file.parents[0]):
            folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            folder.chmod(_OWNER_ONLY)  # one that was there may be open to others
        draft = file.with_name(f".{os.urandom(8).hex()}.tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(value)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def read(self, namespace: str, ref: SecretRef) -> bytes | None:
        """A secret; None when there is none."""
        try:
            return self._file(namespace, ref).read_bytes()
        except (FileNotFoundError, ValueError):
            return None

    def remove(self, namespace: str, ref: SecretRef) -> None:
        """Forgets a secret."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._file(namespace, ref).unlink()

    def remove_all(self, namespace: str, resource_name: str) -> None:
        """Forgets every secret of a block."""
        file = self._file(namespace, SecretRef(field="x", secret=resource_name, key="x"))
        shutil.rmtree(file.parent, ignore_errors=True)

    def _file(self, namespace: str, ref: SecretRef) -> Path:
        file = local_secret_file(self._home, namespace, ref)
        if file is None:
            raise ValueError("the names of the secret lead out of its folder")
        return file
