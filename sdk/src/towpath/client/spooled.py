"""Delivers the spool of a home to an API, as `python -m towpath.client.spooled`. For a server that starts, and for people.

A server starts this as a process of its own once it listens: it shares no code with the SDK's client. What a living process
owns is left to that process. Started twice at once, or ended in the middle, nothing is lost or doubled.
"""

import sys
import time
from pathlib import Path
from typing import NamedTuple

from towpath.client.backlog import Backlog
from towpath.client.sending import Sender, open_sender
from towpath.errors import SettingsError
from towpath.settings import Settings, get_settings


class Delivery(NamedTuple):
    """What became of a spool. `reason` is why it is not delivered as a whole; empty when it is."""

    events: int
    reason: str = ""


def deliver_spool(url: str, home: Path | None = None, *, timeout: float = 600.0) -> Delivery:
    """Delivers what processes that have ended left in the spool.

    Args:
        url: the API's address, ending in `/api`.
        home: TOWPATH_HOME; None for that of the settings.
        timeout: seconds to go on for while the API does not take anything.

    Raises:
        SettingsError: the settings cannot be read.
    """
    settings = get_settings()._replace(api_url=url)
    if home is not None:
        settings = settings._replace(home=home)
    return _deliver(settings, timeout)


def _deliver(settings: Settings, timeout: float) -> Delivery:
    sender, backlog = open_sender(settings), Backlog(settings.home)
    try:
        return _send_all(sender, backlog, timeout)
    finally:
        backlog.close()
        sender.close()


def _send_all(sender: Sender, backlog: Backlog, timeout: float) -> Delivery:
    events = 0
    last_success = time.monotonic()
    while (batch := backlog.next_batch()) is not None:
        time.sleep(sender.wait_time())
        sent = sender.send(batch)
        if sent.stored:
            backlog.confirm()
            events += batch.last - batch.first + 1
            last_success = time.monotonic()
        elif sent.parts is not None:
            backlog.split(sent.parts)
        elif time.monotonic() - last_success > timeout:
            return Delivery(events, sender.reason)
    return Delivery(events)


def main() -> int:
    """Delivers the spool that the settings name; the exit code."""
    try:
        settings = get_settings()
        if settings.api_url is None:
            raise SettingsError("TOWPATH_API_URL must be set: it says where the spool goes.")
        delivery = _deliver(settings, settings.flush_timeout)
    except SettingsError as error:
        print(f"The spool cannot be delivered: {error}", file=sys.stderr)
        return 1
    if delivery.reason:
        print(f"{delivery.events} events are delivered, the rest is not: {delivery.reason}.", file=sys.stderr)
        return 1
    if delivery.events:
        print(f"{delivery.events} events are delivered from the spool.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
