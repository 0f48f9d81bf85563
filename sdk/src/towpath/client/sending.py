"""Sends one batch after another and acts on the answers. Called by `telling`'s sending thread and by `spooled`.

Owns the connection and the memory of failures; what to do is decided in `judging`.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from towpath.client.encoding import Batch, replace_batch, split_batch
from towpath.client.judging import Judgement, judge_answer, plan_delay
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.errors import ApiUnavailable, SettingsError
from towpath.settings import Settings

logger = logging.getLogger(__name__)
_REFUSALS_SHOWN = 3
_WARNINGS_SHOWN = 5


class Sent(NamedTuple):
    """What became of one try.

    Attributes:
        stored: whether the batch need not be sent again: it is stored, or its run is gone.
        stale: whether another attempt holds the run.
        parts: what to send instead, when the batch was refused as a whole.
    """

    stored: bool
    stale: bool = False
    parts: list[Batch] | None = None


def open_sender(settings: Settings) -> "Sender":
    """A sender to the API that the settings name; if they name none, to the home's local server, wherever it listens."""
    if settings.api_url is None:
        from towpath.client import local_server  # noqa: PLC0415 - only those who have started one need it

        address = local_server.LocalAddress(settings, lambda: local_server.find_running(settings.home))
        return Sender(address.connect(settings.request_timeout))
    transport = Transport(settings.api_url, TokenSource.of(settings), settings.request_timeout)
    return Sender(transport)


class Sender:
    """Sends batches over one connection. To be used by one thread.

    Attributes:
        is_away: whether the last try found no API that would take a batch.
        started: when the request began that is now under way, on the monotonic clock; None between requests.
        reason: why the last try failed; empty after a success.
        last_judgement: what the last answer meant; None when there was none.
    """

    def __init__(self, transport: Transport, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_away = False
        self.started: float | None = None
        self.reason = ""
        self._transport = transport
        self._clock = clock
        self._failures = 0
        self._refusals = 0
        self._gone: set[str] = set()
        self._next_try = 0.0

    def wait_time(self) -> float:
        """Seconds until the next try is due."""
        return max(0.0, self._next_try - self._clock())

    def send(self, batch: Batch) -> Sent:
        """Tries once to have `batch` stored."""
        self.started = self._clock()
        try:
            answer = self._transport.post("/events", batch.body)
            judgement = judge_answer(answer, batch.last - batch.first + 1)
        except (ApiUnavailable, SettingsError) as error:
            judgement = Judgement("again", str(error).rstrip("."))
        finally:
            self.started = None
        return self._act(batch, judgement)

    def _act(self, batch: Batch, judgement: Judgement) -> Sent:
        if judgement.verdict == "again":
            self._note_failure(judgement)
            return Sent(stored=False)
        self._note_success()
        if judgement.verdict == "split":
            return Sent(stored=False, parts=split_batch(batch))
        if judgement.verdict == "gone":
            if judgement.reason not in self._gone:
                self._gone.add(judgement.reason)
                logger.warning("What is left of a run's events is given up: %s.", judgement.reason)
            return Sent(stored=True)
        if judgement.verdict == "refused":
            return self._act_on_refusal(batch, judgement.reason)
        if judgement.refused:
            shown = "; ".join(f"{number}: {detail}" for number, detail in judgement.refused[:_REFUSALS_SHOWN])
            self._warn_of_refusal(f"The API did not keep {len(judgement.refused)} events of a batch ({shown}).")
        return Sent(stored=True, stale=judgement.stale)

    def _act_on_refusal(self, batch: Batch, reason: str) -> Sent:
        notice = replace_batch(batch, reason)
        if notice.body == batch.body or b'"logger":"towpath.client"' in batch.body:
            self._warn_of_refusal(f"The API does not take event {batch.first}: {reason}.")
            return Sent(stored=True)
        self._warn_of_refusal(f"The API refused event {batch.first}, which is left out: {reason}.")
        return Sent(stored=False, parts=[notice])

    def _warn_of_refusal(self, message: str) -> None:
        """The first few are shown; a run that has thousands would drown everything else in them."""
        self._refusals += 1
        if self._refusals <= _WARNINGS_SHOWN:
            logger.warning("%s", message)
        elif self._refusals == _WARNINGS_SHOWN + 1:
            logger.warning("The API goes on refusing events: further warnings are left out.")

    def _note_failure(self, judgement: Judgement) -> None:
        self._failures += 1
        self.reason = judgement.reason
        self._next_try = self._clock() + plan_delay(self._failures, judgement.retry_after, random.random)
        if not self.is_away and (self._failures > 1 or judgement.retry_after is None):
            self.is_away = True
            logger.warning("Events cannot be delivered now and will be later: %s.", judgement.reason)

    def _note_success(self) -> None:
        if self.is_away:
            logger.info("Events are delivered again.")
        self.is_away = False
        self._failures, self._next_try, self.reason = 0, 0.0, ""

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def reset_in_child(self) -> None:
        """After a fork: the connection belongs to the parent."""
        self._transport.abandon()
        self.started = None
