"""Random actions of concurrent clients never break the transition table, nor what is counted from it."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.support.api import (
    Api,
    make_batch,
    make_flow_state,
    make_id,
    make_state,
    make_task_run,
    make_template,
    open_api,
)
from towpath.contract.states import RunKind, StateType, Transition, judge
from towpath_operator.domain.codes import CODES, TYPES
from towpath_operator.domain.entered import Entered
from towpath_operator.store.engine import Transaction

RUNS = 3
STATES = ("PENDING", "RUNNING", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SCHEDULED")
OUTCOMES: tuple[dict[str, Any], ...] = (
    *({"outcome": "Exited", "exit_code": code} for code in (0, 1, 70, 71)),
    *({"outcome": outcome} for outcome in ("Cancelled", "TimedOut", "Infrastructure", "NotStarted")),
)


class Action(NamedTuple):
    """What one client does to one of the runs. `attempt` is counted back from the current one."""

    kind: str
    run: int
    attempt: int = 0
    detail: int = 0


KINDS = (
    *("claim", "launch", "take", "tell", "tell", "tell", "task", "end", "cancel", "cancel_all", "delete"),
    *("pause", "suspend", "resume", "retry", "create"),
)
ACTIONS = st.builds(
    Action, st.sampled_from(KINDS), st.integers(0, RUNS - 1), st.integers(0, 1), st.integers(0, len(STATES) - 1)
)
ROUNDS = st.lists(st.lists(ACTIONS, min_size=1, max_size=4), min_size=3, max_size=8)


class Clients:
    """Clients of one API, and what its commits say happened."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.runs: list[str] = []
        self.current: dict[bytes, int] = {}
        self.broken: list[str] = []
        self._sequence = 0
        api.hub.database.on_commit.append(self._note)

    def _note(self, transaction: Transaction) -> None:
        for entered in transaction.entered:
            self._judge(entered)

    def _judge(self, entered: Entered) -> None:
        """Checks that the change is one that the table has, and that it begins where the last one ended."""
        if entered.kind is not RunKind.FLOW_RUN:
            return
        known = self.current.get(entered.run_id)
        if entered.before != known:
            self.broken.append(f"from {entered.before}, but it was {known}")
        before = None if entered.before is None else TYPES[entered.before]
        if (before, TYPES[entered.after]) != (StateType.PENDING, StateType.PENDING):
            verdict = judge(Transition(RunKind.FLOW_RUN, before, TYPES[entered.after]))
            if not verdict.accepted:
                self.broken.append(f"{before} to {TYPES[entered.after]}: {verdict.reason}")
        self.current[entered.run_id] = entered.after

    async def do(self, action: Action) -> None:
        """Does it. Refusals are answers too; a failure of the server is not."""
        run = self.runs[action.run]
        shown = (await self.api.client.get(f"/flow-runs/{run}")).json()
        attempt = max(0, shown.get("attempt", 0) - action.attempt)
        method, path, body = self._request(action, run, attempt)
        answer = await self.api.client.request(method, path, json=body)
        assert answer.status_code < 500, answer.text

    def _request(self, action: Action, run: str, attempt: int) -> tuple[str, str, Any]:
        path = f"/flow-runs/{run}"
        number = f"{path}/attempts/{attempt}"
        match action.kind:
            case "claim":
                claim = {"launcher": "Job", "holder": "a", "wait_seconds": 0, "limit": 1 + action.detail % 3}
                return "POST", "/work-queues/claims", claim
            case "launch":
                return "POST", f"{number}/launched", {"holder": "a", "job_name": "job"}
            case "take":
                pod = f"pod-{attempt}-{action.detail % 2}"
                return "POST", f"{number}/take", {"pod_uid": pod, "pod_name": pod}
            case "tell":
                return "POST", "/events", self._batch(run, attempt, make_flow_state(run, STATES[action.detail]))
            case "task":
                task = make_id()
                items = [make_task_run(task, run), make_state(task, STATES[action.detail])]
                return "POST", "/events", self._batch(run, attempt, *items)
            case "end":
                return "POST", f"{number}/ended", OUTCOMES[action.detail % len(OUTCOMES)]
            case "cancel_all":
                return "POST", "/flow-runs/cancel", {"ids": self.runs}
            case "delete":
                return "DELETE", path, None
            case "create":
                return "POST", "/flow-runs", {"deployment": "etl/dev"}
            case verb:
                return "POST", f"{path}/{verb}", {}

    def _batch(self, run: str, attempt: int, *items: dict[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        return make_batch(run, *items, attempt=attempt, writer=str(self._sequence))

    async def check(self) -> None:
        """Checks what every reader may rely on."""
        assert self.broken == []
        listed = (await self.api.get("/flow-runs", limit=100))["items"]
        states = Counter(run["state"]["type"] for run in listed)
        assert histogram_sums(await self.api.get("/flow-runs/histogram")) == states
        for run in listed:
            run_id = UUID(run["id"]).bytes
            assert CODES[StateType(run["state"]["type"])] == self.current[run_id]
            numbers = [attempt["number"] for attempt in run["attempts"]]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) == run["attempt"]
            tasks = (await self.api.get("/task-runs", flow_run_id=run["id"], limit=100))["items"]
            counted = Counter(task["state"]["type"] for task in tasks if task["state"])
            assert run["tasks"]["total"] <= len(tasks)  # those of a superseded attempt are its history, and no more
            assert run["tasks"]["running"] == counted["RUNNING"]
            assert run["tasks"]["completed"] == counted["COMPLETED"]
            assert run["tasks"]["failed"] == counted["FAILED"] + counted["CRASHED"]


def histogram_sums(histogram: Any) -> Counter[str]:
    """How many runs of each state there are in all buckets."""
    sums: Counter[str] = Counter()
    for bucket in histogram["items"]:
        sums.update(bucket["counts"])
    return sums


async def play(template: Path, rounds: list[list[Action]]) -> None:
    """Plays the rounds, the actions of each at once."""
    folder = Path(tempfile.mkdtemp())
    try:
        async with open_api(template, folder) as api:
            clients = Clients(api)
            await api.declare(infraRetries=1, concurrency={"limit": 2})
            clients.runs = [(await api.create_run())["id"] for _ in range(RUNS)]
            for actions in rounds:
                await asyncio.gather(*(clients.do(action) for action in actions))
                await clients.check()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the newest schema."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("transitions") / "empty.db"))


CLAIM = [Action("claim", 0, 0, 2)]
TAKE = [Action(kind, 0) for kind in ("launch", "take")]


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    database=None,
)
@given(rounds=ROUNDS)
@example([CLAIM, TAKE, [Action("tell", 0, 0, 1), Action("cancel", 0)], [Action("tell", 0, 0, 4), Action("end", 0)]])
@example(
    [CLAIM, TAKE, [Action("tell", 0, 0, 4), Action("end", 0, 0, 1), Action("cancel", 0)], [Action("retry", 0)], CLAIM]
)
@example(
    [CLAIM, TAKE, [Action("tell", 0, 0, 1)], [Action("suspend", 0), Action("cancel", 0)], [Action("resume", 0)], CLAIM]
)
def test_whatever_clients_do_at_once_every_change_is_one_that_the_table_has(
    template: Path, rounds: list[list[Action]]
) -> None:
    asyncio.run(play(template, rounds))
