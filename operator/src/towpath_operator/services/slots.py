"""Hands out slots of concurrency limits, first come, first served. Called by the slots' routes; a waiting request.

A run's slots also end with its attempt, and all of a killed process' with their leases.
"""

from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.slots import LEASE_SECONDS, SlotGrant, SlotHolders, SlotRequest, SlotsHeld
from towpath_operator.domain.refusals import LimitIsZero
from towpath_operator.domain.times import SECOND
from towpath_operator.services.signals import Signals
from towpath_operator.store import slots as rows
from towpath_operator.store.engine import TOPIC_SLOTS, Database, Transaction
from towpath_operator.store.flow_runs import find_flow_run

PLACE_SECONDS = 15
"""How long a place in the queue is kept between two requests."""
BACKSTOP_SECONDS = 15.0


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
        """
        deadline = now_us() + int(request.wait_seconds * SECOND)
        namespace = await self._find_namespace(request, home)
        while True:
            count = self._signals.count(TOPIC_SLOTS)
            async with self._database.read() as reader:
                limits = await rows.find_limits(reader, namespace, request.tags)
            if not limits:
                return SlotGrant(granted=True)
            zero = sorted(tag for tag, limit in limits.items() if limit == 0)
            if zero:
                raise LimitIsZero(f"The concurrency limit of tag {zero[0]!r} is 0: raise it to let such tasks run.")
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
        return row["namespace"] if row is not None else home


async def _try(
    transaction: Transaction, request: SlotRequest, namespace: str, limits: dict[str, int], deadline: int
) -> bool:
    """Takes a place in the queues, and the slots if its turn has come in all of them."""
    now = now_us()
    if await rows.delete_expired(transaction, now):
        transaction.wake(TOPIC_SLOTS)
    mine = await rows.find_rows(transaction.connection, namespace, request.holder)
    asked = min((row["asked"] for row in mine.values()), default=now)
    values = {"holder": request.holder, "root_id": request.run_id, "attempt": request.attempt}
    place_ends = max(deadline, now) + PLACE_SECONDS * SECOND
    missing = sorted(limits.keys() - mine.keys())
    await rows.insert_waiting(transaction, namespace, missing, values | {"asked": asked, "expires": place_ends})
    has_all = not missing and all(row["granted"] for row in mine.values())
    turn = has_all or await _is_its_turn(transaction, namespace, limits, asked, request.holder)
    expires = now + int(LEASE_SECONDS * SECOND) if turn else place_ends
    await rows.extend(transaction, namespace, request.holder, expires, grant=turn)
    return turn


async def _is_its_turn(
    transaction: Transaction, namespace: str, limits: dict[str, int], asked: int, holder: UUID
) -> bool:
    for tag, limit in limits.items():
        if await rows.count_ahead(transaction.connection, namespace, tag, asked, holder) >= limit:
            return False
    return True
