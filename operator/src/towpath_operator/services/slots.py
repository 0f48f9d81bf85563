"""Hands out slots of concurrency limits, first come, first served. Called by the slots' routes; a waiting request.

A run's slots also end with its attempt, and all of a killed process' with their leases. Slots that a rate took end by themselves, one
after the other.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.limit_slots import LimitReleased, LimitSlot, LimitSlots
from towpath.contract.problems import FieldError
from towpath.contract.slots import LEASE_SECONDS, SlotGrant, SlotHolders, SlotRequest, SlotsHeld
from towpath.contract.states import TERMINAL
from towpath_operator.domain.codes import TYPES
from towpath_operator.domain.refusals import InvalidRequest, LimitIsZero, RunEnded
from towpath_operator.domain.times import SECOND, from_micros
from towpath_operator.services.signals import Signals
from towpath_operator.store import slots as rows
from towpath_operator.store.engine import TOPIC_SLOTS, Database, Transaction
from towpath_operator.store.flow_runs import find_flow_run
from towpath_operator.store.slots import Limit
from towpath_operator.store.types import Row

PLACE_SECONDS = 15
"""How long a place in the queue is kept between two requests."""
BACKSTOP_SECONDS = 15.0
MOST_SHOWN = 1_000


class Slots:
    """The slots of one database."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    async def acquire(self, request: SlotRequest, home: str) -> SlotGrant:
        """A slot of each limited tag, waiting up to `wait_seconds` for all of them.

        The limits are those of the run's namespace; of `home` for a run that is not known.

        With several tags a holder waits in all their queues at once, and others wait behind it in each: nobody starves.

        Raises:
            LimitIsZero: when one of the limits lets nobody in.
            InvalidRequest: when more is asked for than a limit ever has, or a rate of a limit that has none.
            RunEnded: when the run that asks is over.
        """
        deadline = now_us() + int(request.wait_seconds * SECOND)
        namespace = await self._find_namespace(request, home)
        while True:
            count = self._signals.count(TOPIC_SLOTS)
            async with self._database.read() as reader:
                limits = await rows.find_limits(reader, namespace, request.tags)
            if not limits:
                return SlotGrant(granted=True)
            _check(request, limits)
            async with self._database.write() as transaction:
                granted = await _try(transaction, request, namespace, limits, deadline)
                end = await rows.find_first_end(transaction.connection, namespace, sorted(limits))
            left = (deadline - now_us()) / SECOND
            if granted or left <= 0 or self._signals.closed:
                return SlotGrant(granted=granted, limited=sorted(limits))
            pause = min(left, BACKSTOP_SECONDS)
            if end is not None:
                pause = min(pause, max(0.05, (end - now_us()) / SECOND))
            await self._signals.wait(TOPIC_SLOTS, count, pause)

    async def renew(self, named: SlotHolders) -> SlotsHeld:
        """Renews leases. Returns the holders that still had one."""
        async with self._database.write() as transaction:
            now = now_us()
            if await rows.delete_expired(transaction, now):
                transaction.wake(TOPIC_SLOTS)
            expires = now + int(LEASE_SECONDS * SECOND)
            held = await rows.renew(transaction, named.run_id, named.attempt, named.holders, expires)
        return SlotsHeld(holders=held)

    async def release(self, named: SlotHolders) -> None:
        """Gives slots back, which wakes whoever waits for them."""
        async with self._database.write() as transaction:
            await rows.release(transaction, named.run_id, named.attempt, named.holders)
            transaction.wake(TOPIC_SLOTS)

    async def _find_namespace(self, request: SlotRequest, home: str) -> str:
        async with self._database.read() as reader:
            row = await find_flow_run(reader, request.run_id)
        if row is not None and TYPES[row["state_type"]] in TERMINAL:
            raise RunEnded("The run has ended: nothing of it may begin.")
        return row["namespace"] if row is not None else home

    async def show(self, namespace: str, tag: str) -> LimitSlots:
        """Who holds slots of a limit, and who waits for one."""
        async with self._database.read() as reader:
            now = now_us()
            held = await rows.list_slots(reader, namespace, tag, now, MOST_SHOWN, granted=True)
            waiting = await rows.list_slots(reader, namespace, tag, now, MOST_SHOWN, granted=False)
        return LimitSlots(holders=[_view(row) for row in held], waiters=[_view(row) for row in waiting])

    async def free(self, namespace: str, tag: str, holders: Sequence[UUID] | None) -> LimitReleased:
        """Takes slots from holders that are stuck; None for all of the limit's."""
        async with self._database.write() as transaction:
            released = await rows.free_holders(transaction, namespace, tag, holders)
            transaction.wake(TOPIC_SLOTS)
        return LimitReleased(released=released)


def _check(request: SlotRequest, limits: Mapping[str, Limit]) -> None:
    for tag, limit in sorted(limits.items()):
        if limit.slots == 0:
            raise LimitIsZero(f"The concurrency limit of tag {tag!r} is 0: raise it to let such tasks run.")
        if request.occupy > limit.slots:
            message = f"ask for at most {limit.slots}, which is the limit {tag!r}"
            raise InvalidRequest(
                f"The concurrency limit {tag!r} has {limit.slots} slots and can never give {request.occupy}.",
                [FieldError(field="occupy", message=message)],
            )
        if request.rate and limit.decay is None:
            raise InvalidRequest(
                f"The concurrency limit {tag!r} is no rate: give it a slotDecayPerSecond.",
                [FieldError(field="rate", message="name limits with a slotDecayPerSecond only")],
            )


def _view(row: Row) -> LimitSlot:
    return LimitSlot(
        holder=row["holder"],
        occupied=row["occupied"],
        since=from_micros(row["asked"]),
        expires=from_micros(row["expires"]),
        flow_run_id=row["flow_run_id"],
        flow_run_name=row["flow_run_name"],
        task_run_id=row["task_run_id"],
        task_run_name=row["task_run_name"],
    )


async def _try(
    transaction: Transaction, request: SlotRequest, namespace: str, limits: Mapping[str, Limit], deadline: int
) -> bool:
    """Takes a place in the queues, and the slots if its turn has come in all of them."""
    now = now_us()
    if await rows.delete_expired(transaction, now):
        transaction.wake(TOPIC_SLOTS)
    mine = await rows.find_rows(transaction.connection, namespace, request.holder)
    asked = min((row["asked"] for row in mine.values()), default=now)
    values: dict[str, object] = {"holder": request.holder, "root_id": request.run_id, "attempt": request.attempt}
    values |= {"occupied": request.occupy, "is_rate": request.rate}
    place_ends = max(deadline, now) + PLACE_SECONDS * SECOND
    missing = sorted(limits.keys() - mine.keys())
    await rows.insert_waiting(transaction, namespace, missing, values | {"asked": asked, "expires": place_ends})
    has_all = not missing and all(row["granted"] for row in mine.values())
    turn = has_all or await _is_its_turn(transaction, namespace, limits, asked, request)
    if request.rate and turn:
        for tag, limit in limits.items():
            microseconds = int(request.occupy / (limit.decay or 1) * SECOND)
            if not has_all:
                await rows.grant_rate(transaction, namespace, tag, request.holder, now, microseconds)
        return True
    expires = now + int(LEASE_SECONDS * SECOND) if turn else place_ends
    await rows.extend(transaction, namespace, request.holder, expires, grant=turn)
    return turn


async def _is_its_turn(
    transaction: Transaction, namespace: str, limits: Mapping[str, Limit], asked: int, request: SlotRequest
) -> bool:
    for tag, limit in limits.items():
        ahead = await rows.count_ahead(transaction.connection, namespace, tag, asked, request.holder)
        if ahead + request.occupy > limit.slots:
            return False
    return True
