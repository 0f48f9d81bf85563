"""Bars a process from what sending messages does not need: inside addresses, other programs, files of the machine.

For the process that apprise runs in: its hundred plugins open sockets and files in their own ways, so the check hangs on what all
of them end in, the interpreter's audit events. It cannot be taken off again. Called by apprise_worker.
"""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.errors import AddressRefused

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 60
_SOCKETS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"}
)
_ETC = ("ssl", "pki", "ca-certificates", "hosts", "resolv.conf", "nsswitch.conf", "localtime", "mime.types")
_READABLE = ("/usr", "/lib", *(f"/etc/{name}" for name in _ETC))


def limit_resources() -> None:
    """Bounds the memory and the processor time of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def readable_folders() -> tuple[str, ...]:
    """Where this process may read files: its own code, certificates, how names are resolved."""
    own = {sys.prefix, sys.base_prefix, sys.exec_prefix, *(path for path in sys.path if path)}
    cafile = {
        value for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE") if (value := os.environ.get(name))
    }
    return tuple(sorted(os.path.realpath(path) for path in {*own, *cafile, *_READABLE}))


def build_hook(policy: AddressPolicy, folders: tuple[str, ...], note: Callable[[str], None]) -> Callable[..., None]:
    """The audit hook.

    Args:
        policy: which addresses may be connected to.
        folders: where files may be read; none may be written.
        note: is told why something was barred.
    """

    def bar(sentence: str) -> None:
        note(sentence)
        raise PermissionError(sentence)

    def check_file(path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        real = os.path.realpath(os.fsdecode(path))
        if real in ("/dev/null", "/dev/urandom"):
            return
        if writes or not any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in folders):
            raise PermissionError(f"{Path(real).name} is not for messages")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _SOCKETS:
            sockaddr = arguments[1] if len(arguments) > 1 else None
            if sockaddr is None:
                return  # sent on a socket that is connected
            try:
                policy.check_sockaddr(sockaddr)
            except AddressRefused as refusal:
                bar(str(refusal))
        elif event in _PROGRAMS:
            bar("The channel wants to start a program, which messages may not.")
        elif event == "open":
            check_file(*arguments)

    return hook
