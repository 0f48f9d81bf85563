"""A flow that pauses or suspends itself: asks the API to pause its run, and waits there until it is resumed.

Called by `towpath.flow_runs`. What is told of the run must be stored before its pause is asked for, so both wait for an API that is
away: nobody could resume a pause that the API does not know of.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from towpath.client.judging import plan_delay
from towpath.client.questions import Questions
from towpath.context import FlowRunContext
from towpath.engine.control import CANCELLED, WAIT_SECONDS
from towpath.engine.telling import tell_mirror_state
from towpath.errors import ApiUnavailable, PauseTimeout, SuspendSignal, TerminationSignal
from towpath.logging.loggers import logger_of
from towpath.settings import get_settings
from towpath.states import State

if TYPE_CHECKING:
    from towpath.logging.loggers import RunLogger

T = TypeVar("T")
_SAY_EVERY: Final = 30.0
_STEP: Final = 1.0
_STALE: Final = "Another attempt holds the run."


class PauseWish:
    """What a flow asks for; see `towpath.contract.run_control.AttemptPause`."""

    def __init__(
        self,
        *,
        timeout: float | None,
        suspend: bool = False,
        key: str | None = None,
        input_schema: dict[str, Any] | None = None,
        description: str | None = None,
    ) -> None:
        self.timeout = timeout
        self.suspend = suspend
        self.key = key
        self.input_schema = input_schema
        self.description = description

    def as_json(self, key: str) -> dict[str, Any]:
        """The request's body."""
        body: dict[str, Any] = {"key": key, "suspend": self.suspend, "timeout_seconds": self.timeout}
        if self.input_schema is not None:
            body["input_schema"] = self.input_schema
        if self.description is not None:
            body["description"] = self.description[:10_000]
        return body


class Pausing:
    """One pause of a flow run. `wait` is called once, by the thread that is to wait; `give_up` by any other."""

    def __init__(self, context: FlowRunContext, wish: PauseWish) -> None:
        self._context = context
        self._wish = wish
        self._key = wish.key if wish.key is not None else str(context.pauses)
        if wish.key is None:
            context.pauses += 1
        self._logger = logger_of(context)
        self._questions: Questions | None = None
        self._is_given_up = False

    def give_up(self) -> None:
        """Lets `wait` fail soon: nobody waits for it any more."""
        self._is_given_up = True
        if self._questions is not None:
            self._questions.interrupt()

    def wait(self) -> dict[str, Any] | None:
        """Pauses the run and waits until it is resumed. Returns the input that was given then.

        Raises:
            SuspendSignal: the run is suspended.
            PauseTimeout: it was not resumed in time.
            TerminationSignal: it is cancelled, or another attempt holds it.
            ApiRefused: it cannot be paused.
        """
        settings = get_settings()
        self._questions = Questions(settings, WAIT_SECONDS)
        control = self._context.control
        try:
            self._flush()
            control.close_gate()
            run_input = self._wait_at(self._questions)
        finally:
            if not control.is_suspended:
                control.open_gate()
            self._questions.close()
        return run_input

    def _flush(self) -> None:
        """Waits until the API knows all that was told."""
        said_at = time.monotonic()
        teller = self._context.teller
        while not teller.flush(_STEP, stored=True):
            if teller.stale:
                raise TerminationSignal(_STALE)
            self._check()
            if time.monotonic() - said_at > _SAY_EVERY:
                said_at = time.monotonic()
                self._logger.warning("The run is paused once the API has stored what was told of it, which takes long.")

    def _wait_at(self, questions: Questions) -> dict[str, Any] | None:
        path = f"/flow-runs/{self._context.flow_run.id}/attempts/{self._context.flow_run.attempt}"
        body = self._wish.as_json(self._key)
        is_told = False
        while True:
            answer = self._insist(lambda: questions.ask("POST", f"{path}/pause", body))
            if answer["resumed"]:
                if is_told:
                    self._logger.info("Resuming flow run execution!")
                    tell_mirror_state(self._context, State("RUNNING"))
                return answer.get("run_input")
            orders = answer["orders"]
            while self._must_wait(orders):
                if not is_told:
                    is_told = True
                    _say(self._logger, orders, self._wish)
                    tell_mirror_state(self._context, State("PAUSED"))
                asked = f"{path}/orders?wait_seconds={WAIT_SECONDS:g}&seen={orders['state_id']}"
                orders = self._insist(lambda asked=asked: questions.ask("GET", asked))

    def _must_wait(self, orders: dict[str, Any]) -> bool:
        """Whether the run is paused still."""
        state = orders["state"]
        kind = state["type"]
        control = self._context.control
        if orders["stale"]:
            raise TerminationSignal(_STALE)
        if kind in ("CANCELLING", "CANCELLED"):
            raise control.stop(TerminationSignal(CANCELLED, cancelling=True), interrupts=False)
        if kind in ("COMPLETED", "FAILED", "CRASHED"):
            raise PauseTimeout(state.get("message") or "The run was paused and not resumed in time.")
        if kind == "PAUSED" and state["name"] == "Suspended":
            control.suspend()
            raise SuspendSignal
        return kind == "PAUSED"

    def _insist(self, ask: Callable[[], T]) -> T:
        """Asks until the API answers."""
        failures, said_at = 0, float("-inf")
        while True:
            try:
                return ask()
            except ApiUnavailable as error:
                self._check()
                failures += 1
                if time.monotonic() - said_at > _SAY_EVERY:
                    said_at = time.monotonic()
                    self._logger.warning("The paused run waits for the API: %s", error)
                time.sleep(plan_delay(failures, None, random.random))

    def _check(self) -> None:
        if self._is_given_up:
            raise TerminationSignal("Nobody waits for the pause any more.")
        if self._context.control.told is not None:
            raise self._context.control.told


def _say(logger: "RunLogger", orders: dict[str, Any], wish: PauseWish) -> None:
    until = (orders.get("pause") or {}).get("until")
    what = "an input" if wish.input_schema is not None else "being resumed"
    logger.say(
        logging.INFO,
        f"Pausing flow, execution will continue when this flow run is resumed. It waits for {what}"
        + (f" until {until}." if until else "."),
    )
