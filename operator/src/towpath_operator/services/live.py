"""Tells open pages what changes: one fan-out in each API process, fed by commits of whatever replica. Called by the events' route.

Runs are read once for all followers, by their revision, so that none is missed and a follower can resume. What else changes
arrives as hints of commits and says only what is to be looked at again. What waits for a slow follower is bounded: the latest of
each thing is kept, and beyond that one `reset`.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from towpath.contract.live import LiveBeginning, LiveHint, LiveKind
from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.refusals import StoreUnavailable, TooBusy
from towpath_operator.services.flow_runs import view_all
from towpath_operator.store.engine import ANY_HINT, TOPIC_CHANGES, Database
from towpath_operator.store.flow_runs import list_changed
from towpath_operator.store.revisions import get_revision

logger = logging.getLogger(__name__)

MOST_FOLLOWERS = 1_000
MOST_WAITING_BYTES = 2_000_000
MOST_RESUMED = 500
"""Runs that a follower who comes back is told; beyond that it is to ask anew."""
BATCH = 500
GATHER_SECONDS = 0.1
"""Changes are read at most this often, however many commits there are."""
HELLO, RESET = "hello", "reset"
OF_RUNS = frozenset({LiveKind.TASK_RUNS, LiveKind.LOGS})
_KINDS = {kind.value: kind for kind in LiveKind}


class Message(NamedTuple):
    """One event: its name, its JSON, and the revision that it brings its reader to."""

    event: str
    data: str
    revision: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What a follower wants to hear of.

    Attributes:
        namespaces: of these; None for all.
        flow_run_ids: of runs only these and their subflows; of all if empty.
    """

    kinds: frozenset[LiveKind]
    namespaces: frozenset[str] | None = None
    flow_run_ids: frozenset[UUID] = frozenset()

    def has_run(self, run: FlowRunRead) -> bool:
        """Whether a changed run is to be told."""
        if LiveKind.FLOW_RUNS not in self.kinds or not self.has_namespace(run.namespace):
            return False
        return not self.flow_run_ids or not self.flow_run_ids.isdisjoint({run.id, run.parent_flow_run_id})

    def has_namespace(self, namespace: str) -> bool:
        """Whether what happens in a namespace is to be told."""
        return self.namespaces is None or namespace in self.namespaces


@dataclass(eq=False)
class Follower:
    """What waits for one reader."""

    wanted: Wanted
    since: int = -1
    closed: bool = False
    _waiting: OrderedDict[str, Message] = field(default_factory=OrderedDict[str, Message])
    _bytes: int = 0
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, key: str, message: Message) -> None:
        """Adds a message in place of one with the same key that still waits; a `reset` in place of too many."""
        if RESET in self._waiting:
            if message.revision is not None:
                self._waiting[RESET] = _reset(message.revision)
            return
        before = self._waiting.pop(key, None)
        self._bytes += len(message.data) - (0 if before is None else len(before.data))
        self._waiting[key] = message
        if self._bytes > MOST_WAITING_BYTES:
            newest = max((one.revision for one in self._waiting.values() if one.revision is not None), default=0)
            self._waiting.clear()
            self._waiting[RESET] = _reset(max(newest, self.since))
        self._some.set()

    def close(self) -> None:
        """Ends the reading."""
        self.closed = True
        self._some.set()

    async def take(self, seconds: float) -> list[Message] | None:
        """What waits, once there is something; nothing after `seconds`; None when it is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._some.wait()
        except TimeoutError:
            return []
        if self.closed:
            return None
        self._some.clear()
        taken = [one for one in self._waiting.values() if one.event == RESET or (one.revision or 2**63) > self.since]
        self._waiting.clear()
        self._bytes = 0
        return taken


def _reset(revision: int) -> Message:
    return Message(RESET, LiveBeginning(revision=revision).model_dump_json(), revision)


class Live:
    """The fan-out of one API process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: set[Follower] = set()
        self._hints: set[str] = set()
        self._runs_changed = False
        self._stirred = asyncio.Event()
        self._cursor: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    def start(self) -> None:
        """Starts the reading task in the running loop."""
        self._task = asyncio.create_task(self._run(), name="live")

    def hear(self, topics: Iterable[str], hints: Iterable[str]) -> None:
        """Takes in what a commit says changed. Costs nothing while nobody follows."""
        if not self._followers:
            return
        self._runs_changed = self._runs_changed or TOPIC_CHANGES in topics
        self._hints.update(hints)
        if self._runs_changed or self._hints:
            self._stirred.set()

    def close_followers(self) -> None:
        """Ends all reading, now and later: the server is shutting down."""
        self._closed = True
        for follower in self._followers:
            follower.close()

    async def close(self) -> None:
        """Ends the task."""
        self.close_followers()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def check_room(self) -> None:
        """Checks that one more may follow.

        Raises:
            TooBusy: when too many do already.
        """
        if len(self._followers) >= MOST_FOLLOWERS:
            raise TooBusy(f"{MOST_FOLLOWERS} readers follow events already: poll instead, or try again.")

    async def follow(self, wanted: Wanted, after: int | None, seconds: float) -> AsyncGenerator[list[Message]]:
        """What changes, from now on or from the revision `after` on: lists of messages, an empty one every `seconds` of silence."""
        follower = Follower(wanted, closed=self._closed)
        self._followers.add(follower)  # before it looks, so that nothing falls between looking and following
        try:
            yield await self._begin(follower, after)
            while (messages := await follower.take(seconds)) is not None:
                yield messages
        finally:
            self._followers.discard(follower)
            if not self._followers:
                self._cursor = None

    async def _begin(self, follower: Follower, after: int | None) -> list[Message]:
        """The greeting, and what a follower who comes back has missed."""
        wanted = follower.wanted
        async with self._database.read() as reader:
            newest = await get_revision(reader)
            missed: list[FlowRunRead] = []
            resumed = after is not None and after <= newest
            if after is not None and resumed:
                namespaces = None if wanted.namespaces is None else sorted(wanted.namespaces)
                found = await list_changed(reader, after, MOST_RESUMED + 1, namespaces)
                resumed = len(found) <= MOST_RESUMED
                missed = await view_all(reader, found) if resumed else []
        follower.since = newest
        if self._cursor is None:
            self._cursor = newest
            self._runs_changed = True  # what was committed since the view of the database that this read
            self._stirred.set()
        hello = Message(HELLO, LiveBeginning(revision=newest, resumed=resumed).model_dump_json(), newest)
        if not resumed:
            return [hello]
        runs = [_run_message(run) for run in missed if wanted.has_run(run)]
        # Hints are not kept, so whoever comes back looks at all that they are about.
        hints = [_hint_message(kind) for kind in sorted(wanted.kinds - {LiveKind.FLOW_RUNS})]
        return [hello._replace(revision=after), *runs, *hints]

    async def _run(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            hints, self._hints = self._hints, set()
            changed, self._runs_changed = self._runs_changed, False
            self._tell_hints(hints)
            if changed or ANY_HINT in hints:
                try:
                    await self._tell_runs()
                except StoreUnavailable as error:
                    logger.warning("Changes are not told for now: %s", error.detail)
                    self._runs_changed = True
                    self._stirred.set()
                    await asyncio.sleep(1)
            await asyncio.sleep(GATHER_SECONDS)

    async def _tell_runs(self) -> None:
        """Reads what changed since it was read last, and gives each follower its part."""
        while (cursor := self._cursor) is not None:
            async with self._database.read() as reader:
                found = await list_changed(reader, cursor, BATCH, None)
                runs = await view_all(reader, found)
            for run in runs:
                self._tell_run(run)
            if not self._followers:
                self._cursor = None  # they left while it was read
            elif found:
                self._cursor = found[-1]["revision"]
            if len(found) < BATCH:
                return

    def _tell_run(self, run: FlowRunRead) -> None:
        message: Message | None = None
        for follower in self._followers:
            if follower.wanted.has_run(run):
                message = message or _run_message(run)
                follower.put(f"run {run.id}", message)

    def _tell_hints(self, hints: set[str]) -> None:
        """Gives hints, as `Transaction.hint_of_run` and `hint_of_kind` make them, to those whom they concern."""
        if ANY_HINT in hints:
            for follower in self._followers:
                for kind in follower.wanted.kinds - {LiveKind.FLOW_RUNS}:
                    follower.put(kind, _hint_message(kind))
            return
        by_run: dict[UUID, list[Follower]] = {}
        for follower in self._followers:
            for run_id in follower.wanted.flow_run_ids:
                by_run.setdefault(run_id, []).append(follower)
        for hint in hints:
            name, _, namespace = hint.partition("@")
            if namespace:
                self._tell_kind(_KINDS.get(name), namespace)
                continue
            name, _, run = hint.partition(":")
            kind, run_id = _KINDS.get(name), UUID(run)
            for follower in by_run.get(run_id, ()):
                if kind is not None and kind in follower.wanted.kinds:
                    follower.put(f"{kind}:{run_id}", _hint_message(kind, flow_run_id=run_id))

    def _tell_kind(self, kind: LiveKind | None, namespace: str) -> None:
        for follower in self._followers:
            if kind in follower.wanted.kinds and kind is not None and follower.wanted.has_namespace(namespace):
                follower.put(f"{kind}@{namespace}", _hint_message(kind, namespace=namespace))


def _run_message(run: FlowRunRead) -> Message:
    return Message(LiveKind.FLOW_RUNS, run.model_dump_json(by_alias=True), run.revision)


def _hint_message(kind: LiveKind, *, namespace: str | None = None, flow_run_id: UUID | None = None) -> Message:
    return Message(kind, LiveHint(namespace=namespace, flow_run_id=flow_run_id).model_dump_json(exclude_none=True))


def encode(messages: Sequence[Message]) -> bytes:
    """The messages as a stream of server-sent events has them; a comment for none, which keeps the connection alive."""
    if not messages:
        return b": still here\n\n"
    lines: list[str] = []
    for message in messages:
        lines.append(f"event: {message.event}")
        if message.revision is not None:
            lines.append(f"id: {message.revision}")
        lines += [f"data: {message.data}", ""]
    return ("\n".join(lines) + "\n").encode()
