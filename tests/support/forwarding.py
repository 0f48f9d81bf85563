"""Forwards connections: a server that listens on loopback alone is reached at another address of this machine, as from pods."""

import contextlib
import socket
import threading
from collections.abc import Generator


@contextlib.contextmanager
def forwarding(host: str, to_port: int) -> Generator[int]:
    """The port of `host` whose connections go to 127.0.0.1:`to_port`, until the block ends."""
    listener = socket.create_server((host, 0))
    threading.Thread(target=_accept, args=(listener, to_port), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        listener.close()


def _accept(listener: socket.socket, to_port: int) -> None:
    while True:
        try:
            came, _ = listener.accept()
        except OSError:
            return
        try:
            away = socket.create_connection(("127.0.0.1", to_port), timeout=30)
        except OSError:
            came.close()
            continue
        away.settimeout(None)
        for source, target in ((came, away), (away, came)):
            threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65_536):
            target.sendall(content)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
