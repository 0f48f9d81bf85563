"""Pausing, suspending, resuming and retrying runs, and what their processes hear of it."""

import asyncio
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id, make_state, make_task_run
from towpath_operator.domain.pausing import TIMED_OUT
from towpath_operator.services import run_control

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def start_own(api: Api) -> str:
    """A run of `python flow.py`."""
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    return run


async def start_launched(api: Api) -> str:
    """A run of a deployment, taken by a pod and Running."""
    run = (await api.start_run())["id"]
    await api.tell(make_batch(run, make_flow_state(run, "RUNNING"), attempt=1))
    return run


async def state_of(api: Api, run: str) -> str:
    return (await api.get(f"/flow-runs/{run}"))["state"]["name"]


async def ask(api: Api, run: str, action: str, body: Any = None, status: int = 200) -> Any:
    return await api.post(f"/flow-runs/{run}/{action}", body if body is not None else {}, status)


async def pause(api: Api, run: str, attempt: int = 0, status: int = 200, **asked: Any) -> Any:
    return await api.post(f"/flow-runs/{run}/attempts/{attempt}/pause", {"key": "0", **asked}, status)


async def orders(api: Api, run: str, attempt: int = 0, seen: str | None = None, wait: float = 0) -> Any:
    return await api.get(f"/flow-runs/{run}/attempts/{attempt}/orders", seen=seen, wait_seconds=wait)


async def test_a_process_pauses_its_run_and_hears_of_its_resuming_at_once(api: Api) -> None:
    run = await start_own(api)
    paused = await pause(api, run, timeout_seconds=60)
    assert (paused["resumed"], paused["orders"]["state"]["name"]) == (False, "Paused")
    hearing = asyncio.create_task(orders(api, run, seen=paused["orders"]["state_id"], wait=30))
    assert (await ask(api, run, "resume"))["state"]["name"] == "Running"
    heard = await asyncio.wait_for(hearing, 10)
    assert heard["state"]["name"] == "Running"
    assert heard["revision"] > paused["orders"]["revision"]
    again = await pause(api, run)
    assert (again["resumed"], again["run_input"]) == (True, None)
    assert await state_of(api, run) == "Running"


async def test_asked_again_with_its_key_a_pause_is_the_same(api: Api) -> None:
    run = await start_own(api)
    first, second = await pause(api, run), await pause(api, run)
    assert first["orders"] == second["orders"]
    assert [s["name"] for s in (await api.get(f"/flow-runs/{run}/states"))["items"]] == ["Running", "Paused"]


async def test_the_awaited_inputs_schema_is_on_the_run_and_the_input_is_held_to_it(api: Api) -> None:
    run = await start_own(api)
    await pause(api, run, input_schema=SCHEMA, description="How many?")
    shown = (await api.get(f"/flow-runs/{run}"))["pause"]
    assert (shown["input_schema"], shown["description"], shown["suspended"]) == (SCHEMA, "How many?", False)
    refused = await ask(api, run, "resume", {"run_input": {"n": "x"}}, 422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("invalid_input", "run_input.n")
    assert (await ask(api, run, "resume", status=422))["code"] == "invalid_input"
    await ask(api, run, "resume", {"run_input": {"n": 4}})
    assert (await pause(api, run))["run_input"] == {"n": 4}
    assert (await api.get(f"/flow-runs/{run}"))["pause"] is None


async def test_a_person_pauses_a_running_run_and_its_process_hears_of_it(api: Api) -> None:
    run = await start_own(api)
    seen = (await orders(api, run))["state_id"]
    hearing = asyncio.create_task(orders(api, run, seen=seen, wait=30))
    await ask(api, run, "pause", {"timeout_seconds": None})
    heard = await asyncio.wait_for(hearing, 10)
    assert (heard["state"]["name"], heard["pause"]["key"], heard["pause"]["until"]) == ("Paused", None, None)
    assert (await ask(api, run, "pause"))["state"]["name"] == "Paused"


async def test_what_is_not_running_is_not_paused(api: Api) -> None:
    await api.declare()
    waiting = (await api.create_run())["id"]
    assert (await ask(api, waiting, "pause", status=409))["code"] == "transition_refused"
    assert (await ask(api, waiting, "resume", status=409))["code"] == "transition_refused"
    run = await start_own(api)
    assert (await ask(api, run, "suspend", status=409))["code"] == "transition_refused"
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
    for action in ("pause", "resume", "retry"):
        assert (await ask(api, run, action, status=409))["code"] == "run_ended"
    assert (await api.call("POST", f"/flow-runs/{make_id()}/pause", 404))["code"] in ("not_found", "run_not_found")


async def test_states_that_a_process_tells_do_not_end_a_pause_but_its_end_does(api: Api) -> None:
    run = await start_own(api)
    await ask(api, run, "pause")
    retry = make_flow_state(run, "SCHEDULED", name="AwaitingRetry")
    await api.tell(make_batch(run, retry, make_flow_state(run, "RUNNING", name="Retrying"), first=3))
    assert await state_of(api, run) == "Paused"
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=5))
    assert await state_of(api, run) == "Completed"


async def test_a_subflow_is_paused_by_its_roots_process(api: Api) -> None:
    root, sub = make_id(), make_id()
    items = [make_flow_run(root), make_flow_state(root, "RUNNING")]
    items += [make_flow_run(sub, parent_flow_run_id=root), make_flow_state(sub, "RUNNING")]
    await api.tell(make_batch(root, *items))
    await pause(api, sub)
    assert (await state_of(api, sub), await state_of(api, root)) == ("Paused", "Running")
    assert (await pause(api, sub, suspend=True, key="1"))["orders"]["state"]["name"] == "Paused"
    await ask(api, sub, "resume")
    assert (await pause(api, sub, suspend=True, key="1", status=409))["code"] == "transition_refused"


async def test_a_suspended_run_is_launched_again_when_resumed_and_loses_no_infra_retry(api: Api) -> None:
    run = await start_launched(api)
    suspended = await pause(api, run, 1, suspend=True, input_schema=SCHEMA)
    assert suspended["orders"]["state"]["name"] == "Suspended"
    assert (await api.end({"id": run}, outcome="Exited", exit_code=0))["state"]["name"] == "Suspended"
    assert (await api.get("/work-queues"))["items"][0]["running"] == 0
    assert (await ask(api, run, "resume", {"run_input": {"n": 1}}))["state"]["name"] == "Resuming"
    (claimed,) = await api.claim()
    assert (claimed["run"]["id"], claimed["attempt"]) == (run, 2)
    await api.launch({"id": run}, 2)
    await api.take({"id": run}, 2, pod="pod-2")
    await api.tell(make_batch(run, make_flow_state(run, "RUNNING"), attempt=2))
    again = await pause(api, run, 2, suspend=True)
    assert (again["resumed"], again["run_input"]) == (True, {"n": 1})
    lost = await api.end({"id": run}, 2, outcome="Infrastructure", reason="Evicted")
    assert lost["state"]["name"] == "Crashed"  # infraRetries is 0: the suspended attempt was not the one that counted


@pytest.mark.parametrize("exit_code", [0, 137])
async def test_an_attempt_that_ends_after_its_run_was_resumed_changes_nothing(api: Api, exit_code: int) -> None:
    run = await start_launched(api)
    await pause(api, run, 1, suspend=True)
    await ask(api, run, "resume")
    assert (await api.end({"id": run}, outcome="Exited", exit_code=exit_code))["state"]["name"] == "Resuming"
    assert [claim["attempt"] for claim in await api.claim()] == [2]


async def test_a_suspended_run_whose_process_is_gone_is_cancelled_at_once(api: Api) -> None:
    run = await start_launched(api)
    await ask(api, run, "suspend")
    await api.end({"id": run}, outcome="Exited", exit_code=0)
    assert (await ask(api, run, "cancel"))["state"]["name"] == "Cancelled"


async def test_a_suspended_run_whose_process_still_ends_is_cancelled_with_it(api: Api) -> None:
    run = await start_launched(api)
    await ask(api, run, "suspend")
    assert (await ask(api, run, "cancel"))["state"]["name"] == "Cancelling"
    assert (await api.end({"id": run}, outcome="Exited", exit_code=0))["state"]["name"] == "Cancelled"


async def test_a_process_reads_what_earlier_attempts_have_completed(api: Api) -> None:
    run = await start_launched(api)
    done, open_ = make_id(), make_id()
    items = [make_task_run(done, run, name="done"), make_task_run(open_, run, name="open")]
    items.append(make_state(done, "COMPLETED", details={"result": "file:///x", "run_key": "done-0"}))
    await api.tell(make_batch(run, *items, make_state(open_, "RUNNING"), first=2, attempt=1))
    found = await api.get(f"/flow-runs/{run}/attempts/1/task-runs")
    assert [(item["id"], item["details"]["run_key"]) for item in found["items"]] == [(done, "done-0")]


async def test_a_stale_attempt_may_not_pause_and_is_told_so(api: Api) -> None:
    run = await start_launched(api)
    assert (await orders(api, run, 2))["stale"] is True
    assert (await pause(api, run, 2, status=409))["code"] == "stale_attempt"
    assert (await pause(api, run, 0, status=409))["code"] == "stale_attempt"


async def test_a_process_hears_of_a_cancel(api: Api) -> None:
    run = await start_own(api)
    hearing = asyncio.create_task(orders(api, run, seen=(await orders(api, run))["state_id"], wait=30))
    await ask(api, run, "cancel")
    assert (await asyncio.wait_for(hearing, 10))["state"]["name"] == "Cancelling"
    assert (await pause(api, run))["orders"]["state"]["name"] == "Cancelling"


async def test_a_pause_that_nobody_ends_fails_the_run_and_its_process_hears_of_that(api: Api) -> None:
    run = await start_own(api)
    paused = await pause(api, run, timeout_seconds=0.2)
    heard = await asyncio.wait_for(orders(api, run, seen=paused["orders"]["state_id"], wait=30), 20)
    assert (heard["state"]["name"], heard["state"]["message"]) == ("Failed", TIMED_OUT)


async def test_the_loop_ends_suspended_runs_whose_time_is_over(api: Api) -> None:
    run = await start_launched(api)
    await pause(api, run, 1, suspend=True, timeout_seconds=0.001)
    assert await api.hub.run_control.end_overdue() == 1
    assert await state_of(api, run) == "Failed"
    assert await api.hub.run_control.end_overdue() == 0


async def test_a_cancelled_run_that_no_process_answers_for_is_ended(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await start_own(api)
    await ask(api, run, "cancel")
    assert await api.hub.run_control.end_overdue() == 0
    monkeypatch.setattr(run_control, "UNHEARD", 0)
    assert await api.hub.run_control.end_overdue() == 1
    assert await state_of(api, run) == "Cancelled"


async def test_a_failed_run_is_retried_as_a_next_attempt_and_its_pauses_count_no_more(api: Api) -> None:
    run = await start_launched(api)
    await pause(api, run, 1)
    await ask(api, run, "resume")
    await api.tell(make_batch(run, make_flow_state(run, "FAILED"), first=2, attempt=1))
    await api.end({"id": run}, outcome="Exited", exit_code=70)
    retried = await ask(api, run, "retry")
    assert (retried["state"]["name"], retried["end_time"]) == ("AwaitingRetry", None)
    assert (await ask(api, run, "retry", status=409))["code"] == "transition_refused"
    assert [claim["attempt"] for claim in await api.claim()] == [2]
    await api.launch({"id": run}, 2)
    await api.take({"id": run}, 2, pod="pod-2")
    await api.tell(make_batch(run, make_flow_state(run, "RUNNING"), attempt=2))
    assert (await pause(api, run, 2))["resumed"] is False
