"""The modules that Prefect flows import, their schedules and the test harness."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from towpath import flow, task
from towpath.contract.resources.schedule import Schedule
from towpath.schedules import Cron, CronSchedule, Interval, IntervalSchedule, RRule, RRuleSchedule
from towpath.settings import get_settings
from towpath.testing import towpath_test_harness

NAMES = {
    "towpath": "flow task get_run_logger unmapped allow_failure quote tags Flow Task State pause_flow_run suspend_flow_run",
    "towpath.tasks": "task Task task_input_hash exponential_backoff",
    "towpath.flows": "flow Flow",
    "towpath.states": "State Completed Failed Cancelled Crashed Pending Running Scheduled Paused get_state_exception",
    "towpath.futures": "PrefectFuture PrefectFutureList Future wait as_completed",
    "towpath.context": "FlowRunContext TaskRunContext get_run_context tags",
    "towpath.task_runners": "ConcurrentTaskRunner SequentialTaskRunner ThreadPoolTaskRunner ProcessPoolTaskRunner",
    "towpath.schedules": "CronSchedule IntervalSchedule RRuleSchedule Cron Interval RRule",
    "towpath.runtime": "flow_run task_run deployment",
    "towpath.testing.utilities": "towpath_test_harness prefect_test_harness",
    "towpath.cache_policies": "INPUTS TASK_SOURCE RUN_ID FLOW_PARAMETERS NO_CACHE DEFAULT CachePolicy",
    "towpath.serializers": "PickleSerializer JSONSerializer CompressedPickleSerializer CompressedJSONSerializer",
    "towpath.transactions": "transaction Transaction get_transaction CommitMode",
    "towpath.exceptions": "MissingContextError MappingLengthMismatch MappingMissingIterable UpstreamTaskError FailedRun",
    "towpath.logging": "get_run_logger get_logger disable_run_logger",
    "towpath.annotations": "unmapped allow_failure quote",
    "towpath.utilities.annotations": "unmapped allow_failure quote",
    "towpath.filesystems": "LocalFileSystem RemoteFileSystem S3 GCS GitHub",
    "towpath.blocks.core": "Block",
    "towpath.blocks.system": "Secret JSON String DateTime",
    "towpath.blocks.notifications": "SlackWebhook",
    "towpath.blocks.webhook": "Webhook",
    "towpath.deployments": "Deployment run_deployment",
    "towpath.artifacts": "create_table_artifact create_markdown_artifact create_link_artifact",
    "towpath.concurrency": "concurrency rate_limit",
    "towpath.testing": "towpath_test_harness",
}


@pytest.mark.parametrize(("module", "names"), NAMES.items())
def test_the_names_that_flows_import_are_there(module: str, names: str) -> None:
    found = import_module(module)
    assert [name for name in names.split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CronSchedule("0 6 * * *", timezone="Europe/Berlin"), {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}),
        (Cron("@daily", day_or=False, active=False), {"cron": "@daily", "day_or": False, "paused": True}),
        (IntervalSchedule(timedelta(minutes=90)), {"interval": "1h30m"}),
        (
            Interval(60, anchor_date=datetime(2024, 1, 1)),
            {"interval": "1m", "anchor": datetime(2024, 1, 1, tzinfo=UTC)},
        ),
        (RRuleSchedule("FREQ=DAILY", parameters={"x": 1}), {"rrule": "FREQ=DAILY", "parameters": {"x": 1}}),
        (RRule("FREQ=DAILY", name="nightly"), {"rrule": "FREQ=DAILY", "name": "nightly"}),
    ],
)
def test_schedules_become_those_of_the_contract(given: Any, expected: dict[str, Any]) -> None:
    assert given.to_schedule() == Schedule.model_validate({"name": "default", **expected})


def test_an_interval_is_longer_than_zero() -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        IntervalSchedule(timedelta(0)).to_schedule()


def test_the_harness_gives_runs_a_home_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    before = get_settings().home
    with towpath_test_harness() as home:
        assert get_settings().home == home
        assert get_settings().api_url is None
        work = task(lambda: 5, name="work", persist_result=True)
        assert flow(lambda: work(), name="f")() == 5
        assert list((home / "results").iterdir())
    assert not home.exists()
    assert get_settings().home == before
