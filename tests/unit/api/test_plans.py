"""Lists find their rows by an index, however many others there are."""

import pytest
from sqlalchemy import text

from tests.support.api import Api

PLANS = [
    (
        "SELECT id FROM task_runs WHERE state_type = 6 AND task_runs.state_type <> 5 ORDER BY id DESC LIMIT 100",
        "ix_task_runs_not_completed",
    ),
    ("SELECT id FROM task_runs WHERE flow_run_id = x'00' ORDER BY id DESC LIMIT 100", "ix_task_runs_flow_run_id_id"),
    ("SELECT id FROM flow_runs ORDER BY expected_time DESC, id DESC LIMIT 100", "ix_flow_runs_expected_time_id"),
    (
        "SELECT id FROM flow_runs WHERE flow_id = x'00' ORDER BY expected_time DESC, id DESC LIMIT 100",
        "ix_flow_runs_flow_id_expected_time_id",
    ),
    (
        "SELECT id FROM flow_runs WHERE state_type = 6 ORDER BY expected_time DESC, id DESC LIMIT 100",
        "ix_flow_runs_state_type_expected_time_id",
    ),
    ("SELECT id FROM flow_runs WHERE name = 'n'", "ix_flow_runs_name"),
    *(
        (f"SELECT id FROM flow_runs ORDER BY {key} DESC, id DESC LIMIT 100", f"ix_flow_runs_{key}_id")  # noqa: S608 columns of our own
        for key in ("begins", "ends", "duration", "name")
    ),
    (
        "SELECT id FROM flow_runs WHERE namespace = 'n' ORDER BY expected_time DESC, id DESC LIMIT 100",
        "ix_flow_runs_namespace_expected_time_id",
    ),
    (
        "SELECT id FROM flow_runs WHERE work_queue_id = x'00' ORDER BY expected_time DESC, id DESC LIMIT 100",
        "ix_flow_runs_work_queue_id_expected_time_id",
    ),
    (
        "SELECT flow_run_id FROM flow_run_parameters WHERE name = 'env' AND value = 'prod'",
        "PRIMARY KEY (name=? AND value=?)",
    ),
    (
        "SELECT bucket, state, number FROM rollups WHERE kind = 0 AND seconds = 300 AND scope = 0 AND owner = '' "
        "AND bucket >= 5 AND bucket < 9",
        "PRIMARY KEY (kind=? AND seconds=? AND scope=? AND owner=? AND bucket>? AND bucket<?)",
    ),
    ("SELECT min(bucket) FROM rollups WHERE seconds = 300", "ix_rollups_seconds_bucket"),
    ("SELECT id FROM flow_runs WHERE revision > 5 ORDER BY revision LIMIT 100", "ix_flow_runs_revision"),
    (
        "SELECT id FROM flow_runs WHERE state_type = 0 AND work_queue_id = x'00' AND run_after <= 5 ORDER BY run_after, id",
        "ix_flow_runs_waiting",
    ),
    ("SELECT id FROM logs WHERE flow_run_id = x'00' ORDER BY time, id LIMIT 100", "ix_logs_flow_run_id_time_id"),
    ("SELECT id FROM logs WHERE task_run_id = x'00' ORDER BY time, id LIMIT 100", "ix_logs_task_run"),
    ("SELECT min(next_due) FROM schedules WHERE next_due IS NOT NULL", "ix_schedules_due"),
]


@pytest.mark.parametrize(("query", "index"), PLANS, ids=[index for _, index in PLANS])
async def test_sqlite_uses_the_index(api: Api, query: str, index: str) -> None:
    async with api.hub.database.read() as reader:
        plan = (await reader.execute(text(f"EXPLAIN QUERY PLAN {query}"))).all()
    steps = [row[-1] for row in plan]
    assert any(index in step for step in steps)
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
