"""The metrics say what happened, without naming runs."""

import re

from tests.support.api import (
    Api,
    make_batch,
    make_flow_run,
    make_flow_state,
    make_id,
    make_log,
    make_state,
    make_task_run,
)
from towpath_operator.services import metrics

ADDRESS = "http://127.0.0.1:4200/metrics"


async def read(api: Api) -> dict[str, float]:
    text = (await api.client.get(ADDRESS)).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def test_states_durations_ingest_and_claims_are_counted(api: Api) -> None:
    run = await api.start_run()
    waiting = await api.create_run()
    task = make_id()
    await api.tell(
        make_batch(
            run["id"],
            make_flow_state(run["id"], "RUNNING"),
            make_task_run(task, run["id"]),
            make_state(task, "RUNNING"),
            make_state(task, "FAILED"),
            {"kind": "log"},
            make_flow_state(run["id"], "FAILED"),
            attempt=1,
        )
    )
    found = await read(api)
    expected = {
        'towpath_flow_run_states_total{flow="etl",state="SCHEDULED"}': 2,
        'towpath_flow_run_states_total{flow="etl",state="FAILED"}': 1,
        'towpath_task_run_states_total{flow="etl",state="FAILED"}': 1,
        'towpath_flow_run_duration_seconds_count{flow="etl"}': 1,
        'towpath_task_run_duration_seconds_count{flow="etl"}': 1,
        "towpath_ingest_batches_total": 1,
        "towpath_ingest_events_total": 5,
        "towpath_ingest_refused_events_total": 1,
        "towpath_claims_total": 1,
        'towpath_work_queue_waiting_runs{namespace="default",work_queue="test"}': 1,
        'towpath_work_queue_active_runs{namespace="default",work_queue="test"}': 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["towpath_claim_delay_seconds_count"] == 1
    assert found['towpath_http_request_duration_seconds_count{operation="ingest_events",status="200"}'] == 1
    assert not re.search(f"{run['id']}|{waiting['id']}|{task}", (await api.client.get(ADDRESS)).text)


async def test_every_name_has_the_prefix(api: Api) -> None:
    assert {name for name in await read(api) if not name.startswith(("towpath_", "process_"))} == set()


async def test_flows_beyond_the_bound_are_counted_together(api: Api) -> None:
    metrics_of = api.hub.metrics
    for number in range(metrics.MAX_FLOWS):
        metrics_of._flow(f"flow-{number}")
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run, "one-more"), make_flow_state(run, "RUNNING"), make_log(run)))
    found = await read(api)
    assert found['towpath_flow_run_states_total{flow="other",state="RUNNING"}'] == 1


async def test_the_databases_time_the_loops_lag_and_slots_are_shown(api: Api) -> None:
    await api.put("/concurrency-limits", {"name": "db", "spec": {"tag": "db", "limit": 1}})
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    for _ in range(2):
        asked = {"run_id": run, "attempt": 0, "holder": make_id(), "tags": ["db"], "wait_seconds": 0}
        await api.post("/slots", asked)
    api.hub.metrics.note_lag(0.2)
    found = await read(api)
    for kind in ("read", "write", "turn"):
        assert found[f'towpath_database_seconds_count{{kind="{kind}"}}'] > 0
    assert found["towpath_event_loop_lag_seconds_sum"] >= 0.2
    assert found['towpath_concurrency_slots_active{namespace="default",tag="db"}'] == 1
    assert found['towpath_concurrency_slots_waiting{namespace="default",tag="db"}'] == 1
