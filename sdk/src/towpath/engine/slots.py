"""Slots of concurrency limits: asked of the API before limited work, renewed while it goes on, given back after it.

Called by `gates` for task runs with tags, and by `towpath.concurrency`. One object serves a process for each API: one thread renews
and releases for all holders, and of each set of tags a few ask at a time while the others wait here, in the order they came.

That no tag of a set has a limit is remembered for a quarter of a minute, so most tagged task runs ask nothing. With the API away,
who was never told that there is no limit waits until it answers; who was told so last goes on.
"""

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from towpath.client.judging import plan_delay
from towpath.errors import ApiError, ApiRefused, ApiUnavailable, TowpathError

if TYPE_CHECKING:
    from towpath.client.questions import Questions
    from towpath.engine.control import RunControl
    from towpath.settings import Settings

ASK_AT_ONCE: Final = 4
"""How many of one set of tags ask at a time."""
WAIT_SECONDS: Final = 15.0
"""How long the API lets one request wait for a slot."""
RENEW_SECONDS: Final = 20.0
UNLIMITED_SECONDS: Final = 15.0
"""For how long it is taken for granted that tags have no limit."""
EXIT_SECONDS: Final = 2.0
"""How long the process' end may take to give back what it holds; their leases end soon after."""
MAX_TAG: Final = 200
_SAY_EVERY: Final = 30.0

logger = logging.getLogger("towpath.slots")


class Wish:
    """A wish for slots.

    Attributes:
        run_id: the root run whose process asks, and `attempt` which attempt of it.
        holder: what is to hold them.
        tags: the names of limits; those without a limit are ignored.
        occupy: how many slots of each.
        rate: whether they are freed by the limit's rate and not by a release.
        say: told why it waits, as (level, message).
        is_given_up: whether nobody waits for it any more.
        control: of the flow run that it is for; suspended, that one waits for nothing any more.
    """

    __slots__ = ("attempt", "control", "holder", "is_given_up", "occupy", "rate", "run_id", "say", "tags")

    def __init__(
        self,
        run_id: str,
        attempt: int,
        holder: str,
        tags: Iterable[str],
        *,
        occupy: int = 1,
        rate: bool = False,
        say: Callable[[int, str], object] = logger.log,
        control: "RunControl | None" = None,
    ) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.holder = holder
        self.tags = frozenset(tag for tag in tags if len(tag) <= MAX_TAG)
        self.occupy = occupy
        self.rate = rate
        self.say = say
        self.is_given_up = False
        self.control = control

    @property
    def is_unwanted(self) -> bool:
        """Whether nobody waits for it any more, or the flow run that it is for is suspended."""
        return self.is_given_up or (self.control is not None and self.control.is_suspended)

    def as_json(self, wait_seconds: float) -> dict[str, Any]:
        """The request's body."""
        body: dict[str, Any] = {
            "run_id": self.run_id,
            "attempt": self.attempt,
            "holder": self.holder,
            "tags": sorted(self.tags),
            "wait_seconds": wait_seconds,
        }
        if self.occupy != 1:
            body["occupy"] = self.occupy
        if self.rate:
            body["rate"] = True
        return body


class Slot:
    """Slots that are held. `release` may be called more than once."""

    __slots__ = ("_slots", "limited", "wish")

    def __init__(self, slots: "Slots", wish: Wish, limited: list[str]) -> None:
        self._slots: Slots | None = slots
        self.wish = wish
        self.limited = limited

    def release(self) -> None:
        """Gives the slots back, soon."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release(self.wish)


class NobodyWaitsError(TowpathError):
    """Nobody waits for the slots any more."""


class Slots:
    """The slots of one process, of one API."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[frozenset[str], threading.BoundedSemaphore] = {}
        self._unlimited: dict[frozenset[str], float] = {}
        self._idle: list[Questions] = []
        self._held: dict[tuple[str, int], set[str]] = {}
        self._released: SimpleQueue[Wish] = SimpleQueue()
        self._leaving: set[Wish] = set()
        self._keeper: threading.Thread | None = None

    def is_unlimited(self, tags: frozenset[str]) -> bool:
        """Whether it is taken for granted that none of the tags has a limit."""
        until = self._unlimited.get(tags)
        return until is not None and time.monotonic() < until

    def acquire(self, wish: Wish, timeout: float | None = None) -> Slot | None:
        """Waits for the slots; None when none of the tags has a limit.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Raises:
            TimeoutError: the time is over.
            ApiRefused: the API refuses, as with code `limit_is_zero`.
            NobodyWaitsError: nobody waits for them any more.
            SettingsError: no API is set, and no local one can be started.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if not wish.tags or self.is_unlimited(wish.tags):
            return None
        with self._lock:
            turns = self._turns.setdefault(wish.tags, threading.BoundedSemaphore(ASK_AT_ONCE))
        if not turns.acquire(timeout=None if deadline is None else max(0.0, deadline - time.monotonic())):
            raise _too_late(wish, timeout)
        try:
            if self.is_unlimited(wish.tags):
                return None
            return self._ask(wish, deadline, timeout)
        finally:
            turns.release()

    def _ask(self, wish: Wish, deadline: float | None, timeout: float | None) -> Slot | None:
        questions = self._take_connection()
        failures, said_at, has_warned = 0, float("-inf"), False
        try:
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                wait = WAIT_SECONDS if left is None else max(0.0, min(WAIT_SECONDS, left))
                try:
                    grant = questions.ask("POST", "/slots", wish.as_json(0 if failures == 0 and said_at < 0 else wait))
                except ApiUnavailable as error:
                    if wish.tags in self._unlimited:
                        return None  # they had no limit when it was asked last
                    failures += 1
                    level, reason = logging.WARNING, _say_away(error, wish, self._settings)
                else:
                    if grant["granted"]:
                        return self._note(wish, grant["limited"])
                    failures = 0
                    level, reason = logging.INFO, f"limits of {_name_all(grant['limited'])} are reached."
                if wish.is_unwanted:
                    self._give_back(questions, wish)
                    raise NobodyWaitsError
                if left is not None and left <= 0:
                    self._give_back(questions, wish)
                    raise _too_late(wish, timeout)
                if time.monotonic() - said_at > _SAY_EVERY:
                    said_at = time.monotonic()
                    wish.say(logging.INFO if has_warned else level, f"Waiting for a concurrency slot: {reason}")
                    has_warned = has_warned or level == logging.WARNING
                if failures:
                    pause = plan_delay(failures, None, random.random)
                    time.sleep(pause if left is None else min(pause, max(0.0, left)))
        except BaseException:
            questions.close()  # what interrupted it may have left half an answer on the connection
            raise
        finally:
            self._idle.append(questions)

    def _note(self, wish: Wish, limited: list[str]) -> Slot | None:
        if not limited:
            self._unlimited[wish.tags] = time.monotonic() + UNLIMITED_SECONDS
            return None
        self._unlimited.pop(wish.tags, None)
        slot = Slot(self, wish, limited)
        if wish.rate:
            return slot
        with self._lock:
            self._held.setdefault((wish.run_id, wish.attempt), set()).add(wish.holder)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="towpath-slots", daemon=True)
                self._keeper.start()
        if wish.is_unwanted:
            slot.release()
            raise NobodyWaitsError
        return slot

    def release(self, wish: Wish) -> None:
        """Gives slots back, soon. Never waits."""
        if wish.rate:
            return
        with self._lock:
            holders = self._held.get((wish.run_id, wish.attempt))
            if holders is not None:
                holders.discard(wish.holder)
            self._leaving.add(wish)
        self._released.put(wish)

    def _take_connection(self) -> "Questions":
        from towpath.client.questions import Questions  # noqa: PLC0415 - 30 ms that flows without tags do not pay

        try:
            return self._idle.pop()
        except IndexError:
            return Questions(self._settings, WAIT_SECONDS)

    # Renewing and releasing, in a thread of its own

    def _keep(self) -> None:
        questions = self._take_connection()
        renew_at = time.monotonic() + RENEW_SECONDS
        while True:
            with suppress(Empty):
                self._release(questions, self._released.get(timeout=max(0.0, renew_at - time.monotonic())))
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + RENEW_SECONDS
                self._renew(questions)

    def _release(self, questions: "Questions", first: Wish) -> None:
        """Gives back what waits to be given back; with the API away their leases end by themselves."""
        wishes = [first]
        with suppress(Empty):
            while True:
                wishes.append(self._released.get_nowait())
        for (run_id, attempt), holders in _by_owner(wishes).items():
            with suppress(ApiError):
                questions.ask(
                    "POST", "/slots/release", {"run_id": run_id, "attempt": attempt, "holders": holders[:10_000]}
                )
        with self._lock:
            self._leaving.difference_update(wishes)

    def _give_back(self, questions: "Questions", wish: Wish) -> None:
        """Leaves the queue."""
        with suppress(ApiError):
            body = {"run_id": wish.run_id, "attempt": wish.attempt, "holders": [wish.holder]}
            questions.ask("POST", "/slots/release", body)

    def _renew(self, questions: "Questions") -> None:
        with self._lock:
            self._held = {owner: holders for owner, holders in self._held.items() if holders}
            held = {owner: sorted(holders) for owner, holders in self._held.items()}
        for (run_id, attempt), holders in held.items():
            try:
                body = {"run_id": run_id, "attempt": attempt, "holders": holders[:10_000]}
                kept = questions.ask("POST", "/slots/renew", body)["holders"]
            except ApiError as error:
                logger.warning("Concurrency slots cannot be renewed for now: %s", error)
                continue
            self._forget_lost((run_id, attempt), set(holders) - set(kept))

    def _forget_lost(self, owner: tuple[str, int], lost: set[str]) -> None:
        with self._lock:
            lost &= self._held.get(owner, set())  # what was released meanwhile is not lost
            self._held.get(owner, set()).difference_update(lost)
        for holder in lost:
            logger.warning(
                "%s has lost its concurrency slot, by a release or since the API was away for long: it goes on without.",
                holder,
            )

    def finish(self) -> None:
        """Gives back all that is held, as the process ends, and once more what the keeper is giving back: it may end before its request is out."""
        with self._lock:
            held = {owner: sorted(holders) for owner, holders in self._held.items() if holders}
            self._held = {}
            leaving = _by_owner(self._leaving)
        for owner, holders in leaving.items():
            held.setdefault(owner, []).extend(holders)
        if not held:
            return

        def release() -> None:
            with suppress(TowpathError, OSError):
                questions = self._take_connection()
                for (run_id, attempt), holders in held.items():
                    body = {"run_id": run_id, "attempt": attempt, "holders": holders[:10_000]}
                    questions.ask("POST", "/slots/release", body)

        thread = threading.Thread(target=release, name="towpath-slots-end", daemon=True)
        thread.start()
        thread.join(EXIT_SECONDS)

    def renew_in_child(self) -> None:
        """After a fork nothing is held here: what the parent holds is the parent's."""
        self._reset()


def _by_owner(wishes: Iterable[Wish]) -> dict[tuple[str, int], list[str]]:
    owners: dict[tuple[str, int], list[str]] = {}
    for wish in wishes:
        owners.setdefault((wish.run_id, wish.attempt), []).append(wish.holder)
    return owners


def _name_all(tags: Iterable[str]) -> str:
    return ", ".join(repr(tag) for tag in tags)


def _say_away(error: ApiUnavailable, wish: Wish, settings: "Settings") -> str:
    """Why one waits for an API that is away, and what to do, where it is the user's to do."""
    said = f"{error} Only the API knows whether {_name_all(sorted(wish.tags))} has a limit, so this waits until it answers."
    if wish.attempt or settings.api_url is None:
        return said
    return (
        f"{said} Start it, or set TOWPATH_API_URL, now {settings.api_url}, to where it is; unset, nothing is limited."
    )


def _too_late(wish: Wish, timeout: float | None) -> TimeoutError:
    names = _name_all(sorted(wish.tags))
    return TimeoutError(f"No slot of the concurrency limit {names} became free within {timeout:g} seconds.")


def is_limit_of_zero(error: Exception) -> bool:
    """Whether the API refused slots since a limit lets nobody in."""
    return isinstance(error, ApiRefused) and error.code == "limit_is_zero"


_all: dict[tuple[str | None, str], Slots] = {}
_all_lock = threading.Lock()


def slots_of(settings: "Settings") -> Slots:
    """The slots of this process, of the API that the settings name."""
    key = (settings.api_url, str(settings.home))
    with _all_lock:
        slots = _all.get(key)
        if slots is None:
            slots = _all[key] = Slots(settings)
        return slots


def _finish_all() -> None:
    for slots in list(_all.values()):
        slots.finish()


def _reset_in_child() -> None:
    global _all_lock
    _all_lock = threading.Lock()
    for slots in _all.values():
        slots.renew_in_child()


try:
    threading._register_atexit(_finish_all)  # pyright: ignore # before the interpreter refuses new threads
except (AttributeError, RuntimeError):
    atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
