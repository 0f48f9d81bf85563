"""What the UI's tests look at: a real run of an example, and batches of events for what no example does."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import make_batch, make_flow_run, make_flow_state, make_id, make_log, make_state, make_task_run
from towpath.contract.ids import now_us

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000
PARAMETER_SCHEMA = {
    "type": "object",
    "required": ["ticket"],
    "properties": {
        "ticket": {"type": "string", "position": 0, "description": "Who asked for it."},
        "days": {"type": "integer", "default": 3, "position": 1},
        "region": {"enum": ["eu", "us"], "default": "eu", "position": 2},
    },
}
HTML_NAME = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
HTML_FLOW = "<img src=x onerror=document.title='pwned'> שלום " + "W" * 100
"""What HTML_NAME is, where a name may hold no slash."""


def make_artifact(flow_run_id: str, type_: str, data: Any, **fields: Any) -> dict[str, Any]:
    """An artifact event."""
    event = {"kind": "artifact", "id": make_id(), "flow_run_id": flow_run_id, "type": type_, "data": data}
    return event | {"time": now_us()} | fields


class Seeder:
    """Writes to one API.

    Attributes:
        client: sends below `/api`.
    """

    def __init__(self, url: str, home: Path) -> None:
        self.client = httpx.Client(base_url=f"{url}/api", timeout=30)
        self._url = url
        self._home = home

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON, after its status was checked."""
        answer = self.client.request(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def run_example(self, path: str, flow: str) -> dict[str, Any]:
        """Runs an example's script against this API, as a person does; its completed run is returned.

        A script that the API does not answer in time leaves what it told in its spool, on a busy machine: then it runs again.
        """
        environment = os.environ | {"TOWPATH_API_URL": f"{self._url}/api", "TOWPATH_HOME": str(self._home / "flows")}
        for _ in range(4):
            command = [sys.executable, str(ROOT / path)]
            done = subprocess.run(
                command, env=environment, cwd=self._home, capture_output=True, text=True, timeout=180, check=False
            )
            assert done.returncode == 0, done.stderr[-3_000:]
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                if found := self.ask("GET", "/flow-runs", params={"flow": flow, "state": "COMPLETED"})["items"]:
                    return found[0]
                time.sleep(0.1)
        raise AssertionError(f"No run of {flow} has completed: {path} did not reach the API.")

    def tell(self, run_id: str, items: Sequence[dict[str, Any]]) -> None:
        """Sends events in batches of a size that the API takes."""
        writer = make_id()
        for first in range(0, len(items), 1_000):
            batch = make_batch(run_id, *items[first : first + 1_000], first=first + 1, writer=writer)
            self.ask("POST", "/events", json=batch)

    def declare(self) -> dict[str, Any]:
        """A flow with parameters, a deployment with schedules, and a queue; the deployment is returned."""
        flow = {"entrypoint": "flows/report.py:report", "parameterSchema": PARAMETER_SCHEMA}
        self.ask("PUT", "/flows", json={"name": "report", "spec": flow})
        self.ask("PUT", "/work-queues", json={"name": "gpu", "spec": {"concurrencyLimit": 4, "launcher": "Agent"}})
        address = {"field": "url", "secret": "slack", "key": "url"}
        block = {"type": "slack-webhook", "secretRefs": [address]}
        self.ask("PUT", "/blocks", json={"name": "team", "spec": block})
        notification = {"states": ["FAILED", "CRASHED"], "channels": ["slack-webhook/team"]}
        self.ask("PUT", "/notifications", json={"name": "failures", "spec": notification})
        self.ask("PUT", "/concurrency-limits", json={"name": "database", "spec": {"tag": "database", "limit": 3}})
        spec = {
            "flow": "report",
            "workQueue": "gpu",
            "tags": ["prod"],
            "parameters": {"ticket": "OPS-1"},
            "schedules": [
                {"name": "nightly", "cron": "0 2 * * 1-5", "timezone": "Europe/Berlin"},
                {"name": "often", "interval": "90m"},
                {"name": "fortnight", "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"},
            ],
        }
        return self.ask("PUT", "/deployments", json={"name": "prod", "spec": spec})

    def declare_automations(self) -> str:
        """One that waits for a run, and a hostile one; the id of the first."""
        trigger = {"states": ["RUNNING"], "expect": ["COMPLETED", "FAILED"], "within": "2h", "flows": ["ferry"]}
        actions = [{"cancelRun": {}}, {"notify": {"channels": ["slack-webhook/team"]}}]
        waits = {"name": "hung", "spec": {"trigger": trigger, "actions": actions}}
        automation = self.ask("PUT", "/automations", json=waits)
        self.start_run("ferry", name="slow-coot")
        self.end_run(self.start_run("ferry", name="quick-newt"))
        named = {
            "states": [f"State {HTML_NAME[:30]}"],
            "flows": [HTML_FLOW],
            "tags": [f"tag-{index}" for index in range(50)],
        }
        told = {"notify": {"channels": [f"webhook/{'w' * 150}"], "message": "<b>{{ flow_name }}</b>"}}
        hostile = {"trigger": named, "actions": [told, *({"pauseWorkQueue": {"name": HTML_FLOW}} for _ in range(9))]}
        self.ask("PUT", "/automations", json={"name": HTML_FLOW, "spec": hostile})
        return automation["id"]

    def start_run(self, flow: str = "etl", name: str = "brave-otter", **fields: Any) -> str:
        """A flow run that has begun; its id is returned."""
        run_id = make_id()
        self.tell(run_id, [make_flow_run(run_id, flow, name=name, **fields), make_flow_state(run_id, "RUNNING")])
        return run_id

    def end_run(self, run_id: str, state: str = "COMPLETED", **fields: Any) -> None:
        """Ends a flow run."""
        self.tell(run_id, [make_flow_state(run_id, state, **fields)])

    def pause_run(self, run_id: str) -> str:
        """The run's process pauses it, for an input that a person gives; its id is returned."""
        asked = {
            "key": "approval",
            "timeout_seconds": 3_600,
            "description": "Shall the **boats** leave? <script>document.title='pwned'</script>",
            "input_schema": {
                "type": "object",
                "required": ["count"],
                "properties": {"count": {"type": "integer", "title": "Boats"}, "note": {"type": "string"}},
            },
        }
        self.ask("POST", f"/flow-runs/{run_id}/attempts/0/pause", json=asked)
        return run_id

    def make_artifacts(self, run_id: str) -> None:
        """One artifact of each type, and a second version of the table."""
        markdown = f"# Report\n\n{HTML_NAME}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[bad](javascript:alert(1)) ![x](https://pictures.invalid/x.png)"
        rows = [["Utrecht", 12], ["<b>Gent</b>", 7.5]]
        self.tell(
            run_id,
            [
                make_artifact(run_id, "markdown", markdown, key="report", description="What was found"),
                make_artifact(run_id, "table", {"columns": ["city", "boats"], "rows": rows[:1]}, key="boats"),
                make_artifact(run_id, "table", {"columns": ["city", "boats"], "rows": rows}, key="boats"),
                make_artifact(run_id, "link", {"url": "https://reports.invalid/1", "text": "The report"}),
                make_artifact(run_id, "image", {"url": "https://pictures.invalid/x.png"}),
                make_artifact(run_id, "progress", 42.5, key="load", description="Loading"),
            ],
        )

    def make_runs(self, count: int, flow: str, name: str = "run") -> None:
        """Many short runs, one second apart, the last one newest."""
        begin = now_us() - count * SECOND
        for index in range(count):
            run_id, start = make_id(), begin + index * SECOND
            state = "FAILED" if index % 10 == 9 else "COMPLETED"
            self.tell(
                run_id,
                [
                    make_flow_run(run_id, flow, name=f"{name}-{index}", time=start, tags=["many"]),
                    make_flow_state(run_id, "RUNNING", time=start),
                    make_flow_state(run_id, state, time=start + SECOND // 2),
                ],
            )

    def make_wide_run(self, tasks: int, name: str) -> str:
        """A run of layers of a hundred tasks, each depending on one of the layer before; its id is returned."""
        run_id, start = make_id(), now_us() - 400 * SECOND
        items: list[dict[str, Any]] = [
            make_flow_run(run_id, "wide", name=name, time=start),
            make_flow_state(run_id, "RUNNING", time=start),
        ]
        ids: list[str] = []
        for index in range(tasks):
            task_id, begin = make_id(), start + index * 50_000
            inputs = {"x": [ids[index - 100]]} if index >= 100 else {}
            state = "FAILED" if index % 997 == 996 else "COMPLETED"
            items += [
                make_task_run(
                    task_id, run_id, f"stage_{index // 100}", name=f"task-{index}", time=begin, inputs=inputs
                ),
                make_state(task_id, "RUNNING", time=begin, run_count=1),
                make_state(task_id, state, time=begin + 5 * SECOND, run_count=1),
            ]
            ids.append(task_id)
        items.append(make_flow_state(run_id, "COMPLETED", time=start + 300 * SECOND))
        self.tell(run_id, items)
        return run_id

    def make_hostile_run(self) -> str:
        """A failed run whose every text is hostile to a page; its id is returned."""
        run_id, task_id = make_id(), make_id()
        message = "A line that never ends " + "W" * 9_900
        self.tell(
            run_id,
            [
                make_flow_run(
                    run_id,
                    HTML_NAME,
                    name=f"{HTML_NAME} 🦦🚣‍♀️ שלום تقرير " + "long " * 60,
                    tags=[f"tag-{index}-<b>" for index in range(200)],
                    parameters={"<b>": "</script><script>document.title='pwned'</script>", "long": "z" * 5_000},
                ),
                make_flow_state(run_id, "RUNNING"),
                make_task_run(task_id, run_id, HTML_NAME, name="\u202eright to left\u202c " + "x" * 400),
                make_state(task_id, "RUNNING"),
                make_state(task_id, "FAILED", message=message),
                *(
                    make_log(run_id, f"<b>line</b> {index} é世界🙂\x1b[31m\x00", level=40 if index % 50 == 0 else 20)
                    for index in range(2_000)
                ),
                make_log(run_id, "M" * 10_000, level=40),
                make_flow_state(run_id, "FAILED", message=f"{HTML_NAME}\n{message}"),
            ],
        )
        return run_id
