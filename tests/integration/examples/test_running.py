"""Every example runs as its README shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

from towpath.client.spool import read_spool

EXAMPLES = Path(__file__).parents[3] / "examples"


def run_example(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOWPATH_")}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name / f"{name}.py")],
        env={**environment, "TOWPATH_HOME": str(folder / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def last_flow_state(home: Path) -> str:
    items = [item for _, batch in read_spool(home) for item in json.loads(batch.body)["items"]]
    return [item["name"] for item in items if item["kind"] == "state" and item["run"] == "flow_run"][-1]


def test_hello_runs_and_its_history_waits_in_the_spool(tmp_path: Path) -> None:
    done = run_example("hello", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada! (after 2 tries)" in done.stderr
    assert last_flow_state(tmp_path / "home") == "Completed"


def test_failing_fails_with_its_traceback(tmp_path: Path) -> None:
    done = run_example("failing", tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert last_flow_state(tmp_path / "home") == "Failed"


def test_etl_counts_the_rows_that_it_writes(tmp_path: Path) -> None:
    done = run_example("etl", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "seattle: 8759 rows read" in done.stderr
    assert "17520 rows written" in done.stderr
    assert sorted(path.name for path in (tmp_path / "temperatures").iterdir()) == [
        "san-francisco.parquet",
        "seattle.parquet",
    ]
