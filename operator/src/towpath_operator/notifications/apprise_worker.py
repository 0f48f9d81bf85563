"""Sends one message through apprise, in a process of its own: `python -m towpath_operator.notifications.apprise_worker`.

Reads a request as JSON from its standard input and writes an outcome to its standard output. Started by apprise_sender for each
message: apprise and its plugins block, log and hold memory as they please here, and the guard bars them from what is inside.
"""

import json
import logging
import sys
from typing import Any, TypedDict

from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.notifications.guard import build_hook, limit_resources, readable_folders

_LOCAL_SCHEMES = frozenset(
    {"dbus", "glib", "gnome", "kde", "qt", "macosx", "windows", "syslog", "growl", "vapid", "fcm", "file", "memory"}
)
"""What shows messages on the machine itself, or reads its keys from files."""
_KEPT_LINES = 5


class Request(TypedDict):
    """What is to be sent. `networks` are those allowed beyond the public ones, separated by commas."""

    urls: list[str]
    title: str
    body: str
    networks: str


class Outcome(TypedDict):
    """How it went; `error` is empty when it was sent."""

    error: str
    refused: bool


class _Notes(logging.Handler):
    """Keeps what apprise says went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        if len(self.lines) < _KEPT_LINES:
            self.lines.append(record.getMessage()[:300])


def send(request: Request) -> Outcome:
    """Sends the message to each address. Bars this process from everything else first, for good."""
    barred: list[str] = []
    limit_resources()
    import apprise  # noqa: PLC0415 - not before the memory is bounded

    notes = _Notes()
    logger = logging.getLogger("apprise")
    logger.addHandler(notes)
    logger.propagate = False
    for url in request["urls"]:
        if url.partition("://")[0].lower() in _LOCAL_SCHEMES:
            return {"error": "The channel shows messages on one machine, which the server's is not.", "refused": True}
    found: list[Any] = [apprise.Apprise.instantiate(url) for url in request["urls"]]
    if not all(found):
        said = " ".join(notes.lines)
        return {"error": f"The channel's address is none that apprise knows. {said}".strip(), "refused": False}
    sys.addaudithook(build_hook(AddressPolicy(parse_networks(request["networks"])), readable_folders(), barred.append))
    sent = [bool(one.notify(body=request["body"], title=request["title"])) for one in found]
    if all(sent):
        return {"error": "", "refused": False}
    if barred:
        return {"error": barred[0], "refused": True}
    return {"error": " ".join(notes.lines) or "The service did not take the message.", "refused": False}


def main() -> None:
    """Sends what the standard input asks for."""
    request: Request = json.load(sys.stdin)
    outcome = send(request)
    json.dump(outcome, sys.stdout)


if __name__ == "__main__":
    main()
