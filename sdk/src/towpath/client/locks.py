"""Locks that one process at a time holds on an open file, and that end with the process. Called by `spool` and `local_server`."""

import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Locks the file for this process; False when another holds it."""
        import os  # noqa: PLC0415 - Windows only

        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, 2**40, os.SEEK_SET)  # beyond any content: Windows keeps others from reading what is locked
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)
        return True

    def share_lock(descriptor: int) -> bool:
        """Windows has no shared locks of this kind: as `try_lock`."""
        return try_lock(descriptor)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Locks the file for this process; False when another holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share_lock(descriptor: int) -> bool:
        """Locks the file for this process and all others that share it; False when one holds it alone."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
