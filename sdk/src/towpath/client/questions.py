"""Asks the API in the midst of a flow: JSON in, JSON out, without the contract's models, which take 150 ms to load.

Called by the engine for slots and for what is asked of a run under way. Retries nothing: its callers know how long they can wait.
"""

from typing import Any

import orjson

from towpath.client.connecting import transport_for_asking
from towpath.client.refusals import map_refusal
from towpath.errors import ApiError
from towpath.settings import Settings


class Questions:
    """A connection for questions, to be used by one thread at a time.

    Args:
        patience: seconds that an answer may take besides those of a usual request: what a waiting request waits.
    """

    def __init__(self, settings: Settings, patience: float = 0.0) -> None:
        self._transport = transport_for_asking(settings, settings.request_timeout + patience)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer; empty for one without a body.

        Raises:
            ApiUnavailable: nobody answers, or not in time.
            ApiRefused: the answer is a problem.
        """
        content = orjson.dumps(body) if body is not None else None
        answer = self._transport.request(method, path, content)
        if not 200 <= answer.status < 300:
            raise map_refusal(self._transport.url, answer.status, answer.body)
        if not answer.body:
            return {}
        try:
            found = orjson.loads(answer.body)
        except ValueError as error:
            raise ApiError(f"The answer of {self._transport.url}{path} cannot be read.") from error
        return found if isinstance(found, dict) else {}

    def interrupt(self) -> None:
        """Gives the connection up, from any thread: what waits for an answer fails at once, and all that follows."""
        self._transport.interrupt()

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()
