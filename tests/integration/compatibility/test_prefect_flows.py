"""Flows written for Prefect 2, with `prefect` replaced by `towpath` in their text and nothing else, run as scripts.

The texts in flows/ are of the kind that courses on data engineering teach. What they print, and what is on record
afterwards, is what Prefect documents for them.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from towpath.client.spool import read_spool

FLOWS = Path(__file__).parent / "flows"


class Run(NamedTuple):
    """What came of a script.

    Attributes:
        printed: the lines on stdout.
        logged: the lines on stderr, each from its level on.
        items: the told events.
    """

    printed: list[str]
    logged: list[str]
    items: list[dict[str, Any]]

    def ends(self, kind: str) -> Counter[tuple[str, str]]:
        """How many runs of `kind` under each name of a flow or task ended in each state."""
        field = "flow" if kind == "flow_run" else "task"
        names = {item["id"]: item[field] for item in self.items if item["kind"] == kind}
        states = {item["run_id"]: item["name"] for item in self.items if item["kind"] == "state"}
        return Counter((name, states[run_id]) for run_id, name in names.items())

    def states(self, kind: str, name: str) -> list[str]:
        """The states of the only run of `kind` called `name`."""
        (run_id,) = {item["id"] for item in self.items if item["kind"] == kind and item["name"] == name}
        return [item["name"] for item in self.items if item["kind"] == "state" and item["run_id"] == run_id]


def run_script(name: str, folder: Path) -> Run:
    """Runs flows/`name`.txt without a server."""
    text = (FLOWS / f"{name}.txt").read_text()
    assert "prefect" in text
    (folder / f"{name}.py").write_text(text.replace("prefect", "towpath"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOWPATH_")}
    done = subprocess.run(
        [sys.executable, f"{name}.py"],
        env={**environment, "TOWPATH_HOME": str(folder / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    items = [item for _, batch in read_spool(folder / "home") for item in json.loads(batch.body)["items"]]
    logged = [line.partition(" | ")[2] for line in done.stderr.splitlines()]
    return Run(done.stdout.splitlines(), logged, items)


def write_trips(folder: Path, month: int, passengers: list[int]) -> None:
    header = "tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count"
    day = f"2021-{month:02}-01"
    rows = [f"{day} 00:00:00,{day} 00:10:00,{count}" for count in passengers]
    (folder / f"yellow_tripdata_2021-{month:02}.csv").write_text("\n".join([header, *rows, ""]))


def test_an_etl_with_pandas_coerces_its_parameters_cleans_writes_and_reads_from_the_cache(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_trips(tmp_path / "source", 1, [1, 0, 2])
    write_trips(tmp_path / "source", 2, [3, 4, 0, 0, 1])
    run = run_script("etl_web_to_local", tmp_path)
    assert run.printed == []
    assert [path.name for path in sorted((tmp_path / "data" / "yellow").iterdir())] == [
        "yellow_tripdata_2021-01.parquet",
        "yellow_tripdata_2021-02.parquet",
    ]
    messages = [item["message"] for item in run.items if item["kind"] == "log"]
    assert messages.count("total rows: 5") == 2
    assert messages.count("reading yellow_tripdata_2021-01.csv") == 1
    assert messages.count("post: missing passenger count: 0") == 4
    assert run.ends("flow_run") == {("etl-parent-flow", "Completed"): 2, ("etl-web-to-local", "Completed"): 4}
    assert run.ends("task_run") == {
        ("fetch", "Completed"): 2,
        ("fetch", "Cached"): 2,
        ("clean", "Completed"): 4,
        ("write_local", "Completed"): 4,
        ("etl-web-to-local", "Completed"): 4,
    }


def test_tasks_and_flows_are_retried_and_a_flows_retry_takes_up_what_was_persisted(tmp_path: Path) -> None:
    run = run_script("retries", tmp_path)
    assert run.printed == ["flow: 1 {'unstable': 3, 'backing_off': 4, 'whole': 3, 'steady': 1}"]
    again = ["AwaitingRetry", "Retrying"]
    assert run.states("task_run", "unstable-0") == ["Pending", "Running", *again * 2, "Completed"]
    assert run.states("task_run", "backing_off-0") == ["Pending", "Running", *again * 3, "Completed"]
    assert run.states("task_run", "steady-0") == ["Pending", "Running", "Completed"]
    flow_states = [item["name"] for item in run.items if item["kind"] == "state" and item["run"] == "flow_run"]
    assert flow_states[-7:] == ["Pending", "Running", *again * 2, "Completed"]


def test_results_are_cached_by_their_inputs_and_by_keys_of_ones_own(tmp_path: Path) -> None:
    run = run_script("caching", tmp_path)
    assert run.printed == [
        "running hello_task",
        "running keyed",
        "('Completed', 'Completed')",
        "('Cached', 'Cached')",
        "running hello_task",
        "running keyed",
        "('Completed', 'Completed')",
        "running hello_task",
        "Completed",
    ]


def test_tasks_are_submitted_mapped_and_run_in_sequence(tmp_path: Path) -> None:
    run = run_script("submit_and_map", tmp_path)
    assert run.printed == [
        "(306, 11, [101, 102, 103], 1)",
        "['slow', 'fast']",
        "('NotReady', 'cleaned up after ValueError', 'FAILED')",
    ]
    tagged = Counter(tuple(item["tags"]) for item in run.items if item["kind"] == "task_run" and item["task"] == "add")
    assert tagged == {("arithmetic", "mapped"): 3, ("arithmetic",): 2}
    total = next(item for item in run.items if item["kind"] == "task_run" and item["task"] == "total")
    adds = [item["id"] for item in run.items if item["kind"] == "task_run" and item["task"] == "add"]
    assert total["inputs"]["numbers"] == adds[:3]
    assert "INFO    | Flow run" in run.logged[1]


def test_flows_end_in_the_states_that_their_returns_and_tasks_say(tmp_path: Path) -> None:
    run = run_script("states", tmp_path)
    assert run.printed == [
        "raises FAILED 'Flow run encountered an exception: ValueError: This flow immediately fails'",
        "follows-its-tasks FAILED '1/2 states failed.'",
        "returns-a-future COMPLETED None",
        "returns-several FAILED '1/3 states failed.'",
        "by-hand COMPLETED 'I am happy with this result'",
        "cancels CANCELLED '1/2 states cancelled.'",
        "gives-data COMPLETED None",
        "foo",
        "ValueError('This flow immediately fails')",
    ]


def test_subflows_get_checked_parameters_and_flows_and_tasks_names_options_and_hooks(tmp_path: Path) -> None:
    run = run_script("subflows", tmp_path)
    assert run.printed == [
        "hook: main-flow Completed",
        "7",
        "hook: other Completed",
        "3",
        "hook: main-flow Failed",
        "FAILED Validation of flow parameters failed with error True True",
    ]
    names = [item["name"] for item in run.items if item["kind"] == "flow_run" and item["flow"] == "Small"]
    assert names[-1] == "small-one"
    assert "INFO    | Task run 'extract-green-3' - extracting as extract-green-3" in run.logged
    assert run.ends("flow_run") == {
        ("main-flow", "Completed"): 1,
        ("main-flow", "Failed"): 1,
        ("other", "Completed"): 1,
        ("Extract Subflow", "Completed"): 3,
        ("Small", "Completed"): 2,
    }


def test_asynchronous_flows_gather_tasks_and_subflows(tmp_path: Path) -> None:
    run = run_script("asynchronous", tmp_path)
    assert run.printed == [
        "([0, 10, 20], [0, 10, 20], ['Completed', 'Completed', 'Completed'], [0, 10, 20], 3)",
        "Completed [0, 10]",
    ]
    assert sum("stored 3" in line for line in run.logged) == 1
    assert run.ends("task_run")["fetch", "Completed"] == 3 * 4 + 2 * 4
    assert run.ends("flow_run")["page-flow", "Completed"] == 5


def test_log_lines_have_levels_and_runs_and_prints_are_logged_where_asked_for(tmp_path: Path) -> None:
    run = run_script("logging_and_names", tmp_path)
    assert run.printed == ["not logged", "MissingContextError"]
    assert re.fullmatch(
        r"INFO    \| towpath\.engine - Created flow run '[a-z]+-[a-z]+' for flow 'log-example-flow'", run.logged[0]
    )
    assert run.logged[1:] == [
        "INFO    | Flow run 'logging-marvin' - INFO level log message.",
        "WARNING | Flow run 'logging-marvin' - WARNING level log message.",
        "ERROR   | Flow run 'logging-marvin' - ERROR level log message.",
        "CRITICAL | Flow run 'logging-marvin' - CRITICAL level log message.",
        "INFO    | Flow run 'logging-marvin' - Created task run 'log-example-task-0' for task 'log-example-task'",
        "INFO    | Flow run 'logging-marvin' - Executing 'log-example-task-0' immediately...",
        "INFO    | Task run 'log-example-task-0' - INFO level log message from a task.",
        "INFO    | Task run 'log-example-task-0' - printed for marvin",
        "INFO    | Task run 'log-example-task-0' - Finished in state Completed()",
        "INFO    | Flow run 'logging-marvin' - Finished in state Completed('All states completed.')",
    ]


def test_flows_in_flows_are_taken_up_by_the_parents_retry_with_tags_and_runners_of_their_own(tmp_path: Path) -> None:
    run = run_script("nested", tmp_path)
    assert run.printed == ["day 3: {1: 1, 2: 4, 3: 9}", "{'parent': 2, 'download': 3}"]
    assert run.ends("flow_run") == {
        ("monthly", "Completed"): 1,
        ("backfill", "Completed"): 1,
        ("Ingest one day", "Completed"): 3,
    }
    tags = [item["tags"] for item in run.items if item["kind"] == "task_run" and item["task"] == "download"]
    assert tags == [[f"day-{day}", "io", "monthly"] for day in (1, 2, 3)]
    assert sum("Ingest one day runs with SequentialTaskRunner()" in line for line in run.logged) == 3
    (check,) = {item["id"] for item in run.items if item["kind"] == "task_run" and item["task"] == "check"}
    states = [item["name"] for item in run.items if item["kind"] == "state" and item["run_id"] == check]
    assert states.count("Completed") == 1


def test_timeouts_exceptions_hooks_and_states_given_on_end_as_documented(tmp_path: Path) -> None:
    run = run_script("failures", tmp_path)
    assert run.printed == [
        """['TimedOut', 2, '1.0', "ZeroDivisionError('division by zero')", '1.0']""",
        "ZeroDivisionError True division by zero",
        "Flow run encountered an exception: ZeroDivisionError: division by zero",
        "MappingMissingIterable",
        "MappingLengthMismatch",
        "nothing was submitted",
        "monday Failed('no data for sunday')",
        "FailedRun no data for sunday",
        "MappingMissingIterable",
        "MappingLengthMismatch",
        "MissingResult",
        "[('hangs', 'hangs-0', 'TimedOut'), ('flaky', 'flaky-0', 'Completed')]",
    ]
    assert sum("An error was encountered while running hook 'broken_hook'" in line for line in run.logged) == 1


def test_methods_generators_and_tasks_outside_flows_work_as_functions_do(tmp_path: Path) -> None:
    run = run_script("classes", tmp_path)
    assert run.printed == [
        "9 16 25 Completed",
        "[10, 20]",
        "12 same",
        "[{'page': 0}, {'page': 1}]",
        "cube 1 ['maths'] 0 9",
    ]
    assert run.ends("flow_run") == {("load", "Completed"): 1, ("paged", "Completed"): 1}
