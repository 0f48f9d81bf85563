"""An attempt from its claim to its end."""

from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_state, make_id, make_log, make_state, make_task_run


async def show(api: Api, run: Any) -> Any:
    return await api.get(f"/flow-runs/{run['id']}")


async def test_a_run_goes_from_its_claim_to_its_end(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    (claimed,) = await api.claim()
    assert (claimed["attempt"], claimed["run"]["state"]["name"]) == (1, "Submitting")
    assert (claimed["flow"]["name"], claimed["deployment"]["full_name"]) == ("etl", "etl/dev")
    launched = await api.launch(run)
    assert (launched["state"]["name"], launched["attempts"][0]["job_name"]) == ("InfrastructurePending", "job")
    taken = await api.take(run)
    assert (taken["run"]["attempts"][0]["pod_uid"], taken["flow"]["spec"]["entrypoint"]) == ("pod-1", "flows.py:etl")
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING", run_count=1), attempt=1))
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "COMPLETED", run_count=1), first=2, attempt=1))
    ended = await api.end(run, outcome="Exited", exit_code=0)
    assert (ended["state"]["name"], ended["attempts"][0]["outcome"], ended["run_count"]) == ("Completed", "Exited", 1)


async def test_reports_are_idempotent(api: Api) -> None:
    run = await api.start_run()
    before = await show(api, run)
    await api.launch(run, job="another")
    await api.take(run)
    assert await show(api, run) == before
    first = await api.end(run, outcome="Infrastructure", reason="Evicted")
    assert await api.end(run, outcome="Exited", exit_code=0) == first


async def test_another_pod_cannot_take_a_taken_attempt(api: Api) -> None:
    run = await api.start_run()
    assert (await api.take(run, pod="pod-2", status=409))["code"] == "stale_attempt"


async def test_a_superseded_attempt_can_be_neither_launched_nor_taken(api: Api) -> None:
    run = await api.start_run(infraRetries=1)
    await api.end(run, outcome="Infrastructure")
    (claimed,) = await api.claim()
    assert claimed["attempt"] == 2
    assert (await api.take(run, attempt=1, status=409))["code"] == "stale_attempt"
    assert (await api.launch(run, attempt=1, status=409))["code"] == "stale_attempt"
    await api.take(run, attempt=2, pod="pod-2")


async def test_a_run_that_has_ended_needs_no_pod(api: Api) -> None:
    run = await api.start_run()
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "COMPLETED"), attempt=1))
    assert (await api.take(run, status=409))["code"] == "run_ended"


async def test_a_run_that_is_being_cancelled_needs_no_pod(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    await api.claim()
    await api.launch(run)
    await api.post(f"/flow-runs/{run['id']}/cancel", {})
    assert (await api.take(run, status=409))["code"] == "run_ended"
    assert (await api.end(run, outcome="Exited", exit_code=0))["state"]["type"] == "CANCELLED"


async def test_an_attempt_must_be_claimed_before_it_is_reported(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    assert (await api.launch(run, status=404))["code"] == "not_found"


async def test_a_pod_may_take_its_attempt_before_the_launch_was_reported(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    await api.claim()
    await api.take(run)
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING"), attempt=1))
    assert (await api.launch(run))["state"]["type"] == "RUNNING"


async def test_infra_retries_are_bounded(api: Api) -> None:
    run = await api.start_run(infraRetries=2)
    for attempt in (1, 2):
        assert (await api.end(run, attempt, outcome="Infrastructure"))["state"]["name"] == "AwaitingRetry"
        await api.claim()
    crashed = await api.end(run, 3, outcome="Infrastructure", reason="OOMKilled")
    assert crashed["state"]["type"] == "CRASHED"
    assert "OOMKilled" in crashed["state"]["message"]
    assert [attempt["outcome"] for attempt in crashed["attempts"]] == ["Infrastructure"] * 3


async def test_why_an_attempt_does_not_start_is_on_the_run_until_it_does(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    await api.claim()
    await api.launch(run)
    path = f"/flow-runs/{run['id']}/attempts/1/waiting"
    report = {"reason": "Unschedulable", "message": "0/1 nodes are available"}
    assert (await api.post(path, report))["waiting_for"] == "Unschedulable: 0/1 nodes are available"
    revision = (await show(api, run))["revision"]
    assert (await api.post(path, report))["revision"] == revision
    await api.take(run)
    assert (await show(api, run))["waiting_for"] is None


async def test_the_final_state_of_the_termination_message_counts_when_no_event_brought_it(api: Api) -> None:
    run = await api.start_run()
    final = make_flow_state(run["id"], "FAILED", message="boom")
    ended = await api.end(run, outcome="Exited", exit_code=70, final_state=final)
    assert (ended["state"]["type"], ended["state"]["message"]) == ("FAILED", "boom")
    states = (await api.get(f"/flow-runs/{run['id']}/states"))["items"]
    assert states[-1]["id"] == final["id"]


@pytest.mark.parametrize("final", [{"kind": "log"}, {}, make_flow_state(make_id(), "COMPLETED")])
async def test_a_final_state_that_is_not_the_runs_is_left_aside(api: Api, final: dict[str, Any]) -> None:
    run = await api.start_run()
    ended = await api.end(run, outcome="Exited", exit_code=70, final_state=final)
    assert ended["state"]["type"] == "FAILED"


async def test_last_lines_are_kept_where_no_log_event_brought_them(api: Api) -> None:
    run = await api.start_run()
    await api.tell(make_batch(run["id"], make_log(run["id"], "told"), attempt=1))
    lines = [{"message": "told"}, {"message": "ImportError: no module"}]
    await api.end(run, outcome="Exited", exit_code=72, last_lines=lines)
    await api.end(run, outcome="Exited", exit_code=72, last_lines=lines)
    found = (await api.get("/logs", flow_run_id=run["id"]))["items"]
    assert [(line["logger"], line["message"]) for line in found] == [
        ("towpath.flow_runs", "told"),
        ("towpath.pod", "ImportError: no module"),
    ]


@pytest.mark.parametrize(
    ("cancelled", "state", "counted"), [(False, "CRASHED", {"failed": 2}), (True, "CANCELLED", {"failed": 0})]
)
async def test_what_a_lost_attempt_left_open_ends_with_it(
    api: Api, cancelled: bool, state: str, counted: dict[str, int]
) -> None:
    run = await api.start_run()
    open_task, declared, done, child = make_id(), make_id(), make_id(), make_id()
    await api.tell(
        make_batch(
            run["id"],
            make_flow_state(run["id"], "RUNNING"),
            make_task_run(open_task, run["id"]),
            make_state(open_task, "RUNNING"),
            make_task_run(declared, run["id"]),
            make_task_run(done, run["id"]),
            make_state(done, "COMPLETED"),
            {"kind": "flow_run", "id": child, "flow": "sub", "name": "sub", "time": 1},
            make_flow_state(child, "RUNNING"),
            attempt=1,
        )
    )
    if cancelled:
        await api.post(f"/flow-runs/{run['id']}/cancel", None)
    ended = await api.end(run, outcome="Cancelled" if cancelled else "Infrastructure", reason="Evicted")
    assert ended["tasks"] == {"total": 3, "running": 0, "completed": 1, **counted}
    for task in (open_task, declared):
        assert (await api.get(f"/task-runs/{task}"))["state"]["type"] == state
    assert (await api.get(f"/task-runs/{done}"))["state"]["type"] == "COMPLETED"
    assert (await api.get(f"/flow-runs/{child}"))["state"]["type"] == state


async def test_a_final_state_of_no_time_leaves_the_end_to_the_exit_code(api: Api) -> None:
    run = await api.start_run()
    await api.end(run, outcome="Exited", exit_code=70, final_state=make_flow_state(run["id"], "COMPLETED", time=2**61))
    assert (await api.get(f"/flow-runs/{run['id']}"))["state"]["type"] == "FAILED"
    assert (await api.get("/flow-runs"))["total"] == 1


async def test_nul_in_what_a_pod_left_behind_is_replaced(api: Api) -> None:
    run = await api.start_run()
    final = make_flow_state(run["id"], "FAILED", message="a\x00b", details={"x": "\x00"})
    ended = await api.end(
        run, outcome="Exited", exit_code=70, final_state=final, last_lines=[{"message": "bin\x00ary"}]
    )
    assert ended["state"]["message"] == "a\ufffdb"
    assert [line["message"] for line in (await api.get("/logs", flow_run_id=run["id"]))["items"]] == ["bin\ufffdary"]


async def test_a_second_process_of_an_attempt_that_was_refused_ends_nothing(api: Api) -> None:
    await api.put("/work-queues", {"name": "test", "spec": {"launcher": "Agent"}})
    await api.declare()
    run = await api.create_run()
    await api.claim(launcher="Agent")
    await api.launch(run)
    await api.take(run)
    await api.take(run, pod="pod-2", status=409)
    ended = await api.end(run, outcome="Exited", exit_code=71)
    assert (ended["state"]["type"], ended["attempts"][0]["ended_at"]) == ("PENDING", None)
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING"), attempt=1))
    assert (await api.end(run, outcome="Exited", exit_code=70))["state"]["type"] == "FAILED"


async def test_a_job_whose_last_pod_was_refused_has_lost_its_run(api: Api) -> None:
    run = await api.start_run()
    assert (await api.end(run, outcome="Exited", exit_code=71))["state"]["type"] == "CRASHED"
