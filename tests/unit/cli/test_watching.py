"""What `deployment run --watch` prints, with an API that takes in a batch between any two of its requests."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from towpath.cli.watching import watch_run
from towpath.contract.runs import FlowRunRead, LogRead, RunState, StateRead
from towpath.contract.states import StateType

BEGIN = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
Event = StateRead | LogRead


class Page:
    """One that is the last."""

    next_cursor = None

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Client:
    """An API into which one more batch comes with each request.

    Args:
        batches: what comes before each request, then nothing.
    """

    def __init__(self, batches: list[list[Event]]) -> None:
        self._batches = list(batches)
        self._there: list[Event] = []

    def _take_in(self) -> None:
        self._there += self._batches.pop(0) if self._batches else []

    def get_flow_run(self, _: Any) -> FlowRunRead:
        self._take_in()
        states = [event for event in self._there if isinstance(event, StateRead)]
        state = RunState(type=states[-1].type, name=states[-1].name, time=BEGIN) if states else None
        return FlowRunRead.model_construct(
            id=uuid4(), state=state or RunState(type=StateType.SCHEDULED, name="", time=BEGIN)
        )

    def list_flow_run_states(self, _: str, cursor: str | None) -> Page:
        self._take_in()
        return Page([event for event in self._there if isinstance(event, StateRead)])

    def list_logs(self, flow_run_id: str, cursor: str | None) -> Page:
        self._take_in()
        return Page([event for event in self._there if isinstance(event, LogRead)])


def make_story() -> list[Event]:
    """What a short run tells."""

    def state(type_: StateType, second: int) -> StateRead:
        return StateRead(id=uuid4(), type=type_, name=type_.value.capitalize(), time=BEGIN + timedelta(seconds=second))

    def line(message: str, second: int) -> LogRead:
        return LogRead(id=second, level=20, logger="l", message=message, time=BEGIN + timedelta(seconds=second))

    return [
        state(StateType.RUNNING, 1),
        line("one", 2),
        line("two", 3),
        state(StateType.COMPLETED, 4),
    ]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(_: float) -> None:
        """The next look comes at once."""

    monkeypatch.setattr(time, "sleep", sleep)


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("second", range(6))
@pytest.mark.parametrize("cut", range(5))
def test_states_and_lines_are_said_in_order_whenever_they_come(
    first: int, second: int, cut: int, capsys: pytest.CaptureFixture[str]
) -> None:
    story = make_story()
    client: Any = Client([*[[]] * first, story[:cut], *[[]] * second, story[cut:]])
    watch_run(client, client.get_flow_run(None))
    said = [line.split(" | ", 1)[1].split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert said == ["Running", "one", "two", "Completed"]
