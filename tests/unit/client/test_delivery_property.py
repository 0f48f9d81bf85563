"""Whatever fails in between, each event is stored once and in order: in memory, on disk, and over a restart."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.client.conftest import log
from towpath.client.backlog import Backlog
from towpath.client.encoding import Batch, BatchHead, split_batch
from towpath.client.outbox import Limits, Outbox
from towpath.client.spool import spool_folder

STEPS = ("tell", "tell many", "drain", "drain to disk", "send", "answer is lost", "request is lost", "split")


class Server:
    """Applies each number once, as the API does, and accepts no gap."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def take(self, batch: Batch) -> None:
        items: list[dict[str, Any]] = json.loads(batch.body)["items"]
        assert batch.first <= len(self.messages) + 1, "a gap"
        self.messages += [item["message"] for item in items[len(self.messages) + 1 - batch.first :]]


class World:
    """One teller's outbox, its server, and a disk."""

    def __init__(self, home: Path, memory: int) -> None:
        self.home = home
        self.told = 0
        self.server = Server()
        self.outbox = Outbox(
            BatchHead("0" * 36, 0, "w"), spool_folder(home), Limits(items=3, size=10_000, memory=memory)
        )

    def tell(self, count: int) -> None:
        for _ in range(count):
            self.outbox.pending.append(log(self.told))
            self.told += 1

    def send(self, *, commits: bool = True, answers: bool = True, splits: bool = False) -> bool:
        batch = self.outbox.next_batch()
        if batch is None:
            return False
        if splits and batch.last > batch.first:
            self.outbox.split_flying(split_batch(batch))
            return True
        if commits:
            self.server.take(batch)
            if answers:
                self.outbox.confirm(batch)
        return True

    def do(self, step: str) -> None:
        actions: dict[str, Callable[[], object]] = {
            "tell": lambda: self.tell(1),
            "tell many": lambda: self.tell(8),
            "drain": lambda: self.outbox.drain(to_disk=False),
            "drain to disk": lambda: self.outbox.drain(to_disk=True),
            "send": self.send,
            "answer is lost": lambda: self.send(answers=False),
            "request is lost": lambda: self.send(commits=False),
            "split": lambda: self.send(splits=True),
        }
        actions[step]()

    def end_with_server(self) -> None:
        self.outbox.drain(to_disk=False)
        while self.send():
            self.outbox.drain(to_disk=False)

    def end_and_let_the_next_process_deliver(self) -> None:
        self.outbox.drain(to_disk=True)
        self.outbox.close_file()
        backlog = Backlog(self.home)
        while (batch := backlog.next_batch()) is not None:
            self.server.take(batch)
            backlog.confirm()


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=6, max_size=40), memory=st.sampled_from([0, 500, 10**6]))
@example(steps=["tell many", "drain", "split"], memory=10**6)
@example(steps=["tell many", "drain to disk", "split", "tell", "drain"], memory=10**6)
def test_any_order_of_failures_stores_each_event_once_and_in_order(steps: list[str], memory: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home), memory)
        for step in steps:
            world.do(step)
        world.end_with_server()
        assert world.server.messages == [str(number) for number in range(world.told)]
        assert list(spool_folder(Path(home)).glob("*")) == []
        world.outbox.close_file()


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(st.sampled_from([step for step in STEPS if step != "split"]), min_size=6, max_size=40))
def test_a_process_that_ends_leaves_the_rest_to_the_next(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home), 10**6)
        for step in steps:
            world.do(step)
        world.end_and_let_the_next_process_deliver()
        assert world.server.messages == [str(number) for number in range(world.told)]
        assert list(spool_folder(Path(home)).glob("*")) == []
