"""Runs for the pictures of README and docs: two days of a small team's flows, told to a real API. The same seed tells the same story.

Called by dev.ui.screenshots. What the examples can do by themselves, they do: their runs are real ones.
"""

import random
import time
from dataclasses import dataclass
from typing import Any

from tests.e2e_ui.seeding import Seeder, make_artifact
from tests.support.api import make_flow_run, make_flow_state, make_id, make_log, make_state, make_task_run
from towpath.contract.ids import now_us

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOURS = 48


@dataclass(frozen=True)
class Flow:
    """A flow of the story: its stages with how many tasks each has, and how often it runs.

    Attributes:
        every: minutes between its runs.
        seconds: how long a task takes, about.
        fails: how often one of its runs fails, of 1.
    """

    name: str
    deployment: str
    stages: tuple[tuple[str, int], ...]
    every: int
    seconds: float
    fails: float
    schedule: str
    queue: str = "default"
    tags: tuple[str, ...] = ()


FLOWS = (
    Flow(
        "water-levels",
        "hourly",
        (("fetch", 6), ("clean", 6), ("forecast", 2), ("publish", 1)),
        60,
        9,
        0.05,
        "0 * * * *",
        tags=("prod",),
    ),
    Flow(
        "lock-times", "quarter", (("read", 3), ("match", 3), ("store", 1)), 30, 4, 0.03, "*/15 * * * *", tags=("prod",)
    ),
    Flow(
        "boat-counts",
        "nightly",
        (("list_cameras", 1), ("count", 12), ("summarise", 1)),
        240,
        25,
        0.12,
        "30 2 * * *",
        "gpu",
        ("vision",),
    ),
    Flow(
        "invoices",
        "weekdays",
        (("collect", 2), ("render", 8), ("send", 8)),
        360,
        6,
        0.2,
        "0 7 * * 1-5",
        tags=("finance",),
    ),
)
_WORDS = (
    "amber",
    "brisk",
    "calm",
    "dusky",
    "eager",
    "fleet",
    "gentle",
    "hazel",
    "jolly",
    "keen",
    "lucid",
    "merry",
    "noble",
    "quiet",
)
_BEASTS = (
    "otter",
    "heron",
    "newt",
    "swan",
    "carp",
    "eel",
    "vole",
    "teal",
    "snipe",
    "coot",
    "grebe",
    "tench",
    "perch",
    "pike",
)
_REASONS = (
    "ConnectionError: the source does not answer",
    "ValueError: 3 of 8,214 rows have no place",
    "The pod was killed for its memory (OOMKilled): it asked for 512Mi.",
)


def tell_story(seeder: Seeder) -> None:
    """Tells all of it but for the run that goes on."""
    chance = random.Random(7)  # noqa: S311 a story, not a secret
    _declare(seeder)
    now = now_us()
    for flow in FLOWS:
        for ago in range(HOURS * 60, 6, -flow.every):
            _tell_run(seeder, chance, flow, now - (ago + chance.randint(0, 4)) * MINUTE)


def tell_going_run(seeder: Seeder) -> str:
    """A run that is under way at this moment; its id."""
    chance = random.Random(3)  # noqa: S311 a story, not a secret
    return _tell_run(seeder, chance, FLOWS[0], now_us() - 24 * SECOND, going=True)


def tell_automations(seeder: Seeder) -> None:
    """Automations, one of which has done something, one of which waits, and one of which is paused."""
    stuck = {"states": ["RUNNING"], "expect": ["COMPLETED", "FAILED", "CRASHED"], "within": "2h", "tags": ["prod"]}
    broken = {"states": ["CRASHED"], "flows": ["boat-counts"]}
    again = {"deployment": "invoices/weekdays", "parameters": {"days": 1}}
    wanted: dict[str, dict[str, Any]] = {
        "stuck": {"trigger": stuck, "actions": [{"cancelRun": {"message": "It took more than two hours."}}]},
        "gpu-fails": {"trigger": broken, "actions": [{"pauseWorkQueue": {"name": "gpu"}}]},
        "once-more": {
            "trigger": {"states": ["FAILED", "TimedOut"], "flows": ["invoices"]},
            "actions": [{"runDeployment": again}, {"notify": {"channels": ["slack-webhook/team"]}}],
            "paused": True,
        },
    }
    for name, spec in wanted.items():
        seeder.ask("PUT", "/automations", json={"name": name, "spec": spec})
    tell_going_run(seeder)
    seeder.end_run(seeder.start_run("boat-counts", name="dusky-coot"), "CRASHED")
    deadline = time.monotonic() + 30
    while seeder.ask("GET", "/automations", params={"name": "gpu-fails"})["items"][0]["last_fired"] is None:
        if time.monotonic() > deadline:
            raise TimeoutError("The automation has not acted within 30 s.")
        time.sleep(0.1)


def _declare(seeder: Seeder) -> None:
    seeder.ask(
        "PUT", "/work-queues", json={"name": "gpu", "spec": {"concurrencyLimit": 4, "launcher": "Agent", "priority": 5}}
    )
    seeder.ask(
        "PUT",
        "/blocks",
        json={
            "name": "team",
            "spec": {"type": "slack-webhook", "config": {}},
            "secrets": {"url": "https://hooks.invalid/1"},
        },
    )
    seeder.ask("PUT", "/blocks", json={"name": "lake", "spec": {"type": "s3", "config": {"bucket_path": "canal/raw"}}})
    seeder.ask(
        "PUT",
        "/notifications",
        json={
            "name": "failures",
            "spec": {"states": ["FAILED", "CRASHED"], "channels": ["slack-webhook/team"], "paused": True},
        },
    )
    seeder.ask("PUT", "/concurrency-limits", json={"name": "database", "spec": {"tag": "database", "limit": 3}})
    schema = {
        "type": "object",
        "properties": {
            "station": {"type": "string", "default": "Lobith", "position": 0},
            "days": {"type": "integer", "default": 3, "position": 1},
        },
    }
    for flow in FLOWS:
        spec = {"entrypoint": f"flows/{flow.name.replace('-', '_')}.py:main", "parameterSchema": schema}
        seeder.ask("PUT", "/flows", json={"name": flow.name, "spec": spec})
        schedule = {"name": flow.deployment, "cron": flow.schedule, "timezone": "Europe/Amsterdam"}
        deployment = {"flow": flow.name, "workQueue": flow.queue, "tags": list(flow.tags), "schedules": [schedule]}
        seeder.ask("PUT", "/deployments", json={"name": flow.deployment, "spec": deployment})


def _tell_run(seeder: Seeder, chance: random.Random, flow: Flow, start: int, *, going: bool = False) -> str:
    run_id, name = make_id(), f"{chance.choice(_WORDS)}-{chance.choice(_BEASTS)}"
    fails = not going and chance.random() < flow.fails
    items: list[dict[str, Any]] = [
        make_flow_run(
            run_id, flow.name, name=name, time=start, tags=list(flow.tags), parameters={"station": "Lobith", "days": 3}
        ),
        make_flow_state(run_id, "RUNNING", time=start),
        make_log(run_id, f"Beginning flow run {name!r} for flow {flow.name!r}", time=start),
    ]
    at, before, end = start + SECOND, [], start
    for stage, count in flow.stages:
        ids: list[str] = []
        for index in range(count):
            task, begun = make_id(), at + int(chance.random() * 2 * SECOND)
            end = begun + int(flow.seconds * (0.5 + chance.random()) * SECOND)
            running = going and end > now_us()
            if begun > now_us():
                continue
            inputs = {"data": before if count == 1 else before[index % max(1, len(before)) :][:1]} if before else {}
            items.append(make_task_run(task, run_id, stage, name=f"{stage}-{index}", time=begun, inputs=inputs))
            items.append(make_state(task, "RUNNING", time=begun, run_count=1))
            if running:
                continue
            broke = fails and stage == flow.stages[-1][0] and index == count - 1
            items.append(make_log(run_id, f"{stage} took {(end - begun) / SECOND:.1f} s", task_run_id=task, time=end))
            items.append(
                make_state(
                    task,
                    "FAILED" if broke else "COMPLETED",
                    time=end,
                    run_count=1,
                    **({"message": _REASONS[0]} if broke else {}),
                )
            )
            ids.append(task)
        at, before = end, ids
    if not going:
        reason = chance.choice(_REASONS)
        state = "CRASHED" if "OOMKilled" in reason else "FAILED"
        items.append(
            make_flow_state(run_id, state, time=end + SECOND, message=reason)
            if fails
            else make_flow_state(run_id, "COMPLETED", time=end + SECOND)
        )
    if flow is FLOWS[0]:
        table = {
            "columns": ["station", "level", "forecast"],
            "rows": [["Lobith", 9.82, 9.91], ["Pannerden", 9.4, 9.47], ["Arnhem", 8.75, 8.83]],
        }
        items.append(make_artifact(run_id, "table", table, key="levels", description="Water levels in metres"))
    seeder.tell(run_id, items)
    return run_id
