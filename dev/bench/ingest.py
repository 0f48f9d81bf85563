"""Benchmark of the API's ingest: complete task runs over HTTP, acknowledged after a durable commit.

Starts a server as its own process on an empty database, sends batches made beforehand over several connections, and checks at
the end that every task run is there. Usable alone: `python -m dev.bench.ingest --database ...`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx

from towpath.contract.ids import now_us, uuid7

STATES = (("PENDING", "Pending"), ("RUNNING", "Running"), ("COMPLETED", "Completed"))
MESSAGES = (
    "Created task run 'clean-0' for task 'clean'",
    "Executing 'clean-0' immediately...",
    "Finished in state Completed()",
)
ROOTS = 8
BATCH_RUNS = 250
SECONDS_TO_START = 30.0


@dataclass(frozen=True)
class Measured:
    """One measurement: rates are task runs a second, times are seconds, `bytes_each` is the database's growth for each run."""

    runs: int
    rate: float
    p50: float
    p99: float
    bytes_each: float
    server_cpu_each: float
    resident_mb: float


def make_bodies(runs: int, roots: int = ROOTS, batch_runs: int = BATCH_RUNS, logs: int = 0) -> list[list[bytes]]:
    """For each of `roots` runs its batches, which must be sent in order."""
    return [_bodies_of_root(runs // roots, batch_runs, logs) for _ in range(roots)]


def _bodies_of_root(runs: int, batch_runs: int, logs: int) -> list[bytes]:
    root, bodies, sequence = str(uuid7()), list[bytes](), 1
    first: list[dict[str, object]] = [
        {"kind": "flow_run", "id": root, "flow": "bench", "name": "bench", "time": now_us()}
    ]
    for begin in range(0, runs, batch_runs):
        items = first if begin == 0 else list[dict[str, object]]()
        for index in range(begin, min(begin + batch_runs, runs)):
            items.extend(_task_run(root, index, logs))
        batch = {"schema": 1, "run_id": root, "attempt": 0, "writer": "w", "first_sequence": sequence, "items": items}
        bodies.append(json.dumps(batch, separators=(",", ":")).encode())
        sequence += len(items)
    return bodies


def _task_run(root: str, index: int, logs: int) -> list[dict[str, object]]:
    run = str(uuid7())
    name = f"clean-{index}"
    items: list[dict[str, object]] = [
        {"kind": "task_run", "id": run, "flow_run_id": root, "task": "clean", "name": name, "time": now_us()}
    ]
    for type_, state in STATES:
        fields = {"id": str(uuid7()), "run": "task_run", "run_id": run, "type": type_, "name": state}
        items.append({"kind": "state", "time": now_us(), "run_count": int(type_ != "PENDING"), **fields})
    for message in MESSAGES[:logs]:
        fields = {"flow_run_id": root, "task_run_id": run, "level": 20, "logger": "towpath.task_runs"}
        items.append({"kind": "log", "message": message, "time": now_us(), **fields})
    return items


@contextlib.contextmanager
def server(database: str, folder: Path) -> Generator[tuple[str, int]]:
    """A server on a free port: its API's address and its process id."""
    command = [sys.executable, "-c", "from towpath_operator.wiring.commands import server; server()"]
    environment = os.environ | {"TOWPATH_HOME": str(folder), "TOWPATH_SERVER_LOG_LEVEL": "WARNING"}
    with (folder / "server.log").open("w+") as log:
        process = subprocess.Popen(
            [*command, "start", "--port", "0", "--database", database], stdout=log, stderr=log, env=environment
        )
        try:
            yield _wait_for_address(process, folder / "server.log"), process.pid
        finally:
            process.terminate()
            process.wait(30)


def _wait_for_address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        for word in log.read_text().split():
            if word.startswith("TOWPATH_API_URL="):
                return word.removeprefix("TOWPATH_API_URL=")
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start: {log.read_text()}")


async def send(address: str, roots: list[list[bytes]], rate: float | None = None) -> tuple[float, list[float]]:
    """Sends every root's batches in order, the roots side by side. `rate` bounds the batches a second.

    Returns:
        how long it took, and how long each batch did, in seconds.
    """
    latencies: list[float] = []
    began = time.perf_counter()
    total = len(roots)

    async def run(client: httpx.AsyncClient, place: int, bodies: list[bytes]) -> None:
        for index, body in enumerate(bodies):
            if rate is not None:
                due = began + (index * total + place) / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            answer = await client.post(f"{address}/events", content=body, headers={"Content-Type": "application/json"})
            answer.raise_for_status()
            latencies.append(time.perf_counter() - sent)

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=total)) as client:
        await asyncio.gather(*(run(client, place, bodies) for place, bodies in enumerate(roots)))
    return time.perf_counter() - began, latencies


def measure(runs: int, database: str, folder: Path, *, logs: int = 0, rate: float | None = None) -> Measured:
    """Sends `runs` task runs, or a few less, to a new server, as many to each root. `rate` bounds the task runs a second.

    Raises:
        RuntimeError: when one of them is not there afterwards.
    """
    runs -= runs % ROOTS
    roots = make_bodies(runs, logs=logs)
    with server(database, folder) as (address, pid):
        before = _size(folder)
        cpu = _cpu_seconds(pid)
        seconds, latencies = asyncio.run(send(address, roots, None if rate is None else rate / BATCH_RUNS))
        cpu = _cpu_seconds(pid) - cpu
        ids = [json.loads(bodies[0])["run_id"] for bodies in roots]
        found = sum(httpx.get(f"{address}/flow-runs/{run_id}").json()["tasks"]["completed"] for run_id in ids)
        if found != runs:
            raise RuntimeError(f"{runs} task runs were acknowledged, {found} are there.")
        resident = _resident_mb(pid)
    grown = _size(folder) - before
    latencies.sort()
    p99 = latencies[int(len(latencies) * 0.99) - 1]
    return Measured(runs, runs / seconds, statistics.median(latencies), p99, grown / runs, cpu / runs, resident)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.db"))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def main() -> str:
    """Measures on SQLite and returns the table."""
    lines = [
        "| task runs | logs each | a second | batch p50 | batch p99 | database each | server CPU each | resident |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for runs, logs, rate in ((20_000, 0, None), (10_000, 3, None), (10_000, 0, 2_500.0)):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(runs, f"{folder}/towpath.db", Path(folder), logs=logs, rate=rate)
        paced = f" (paced at {rate:.0f})" if rate else ""
        lines.append(
            f"| {found.runs}{paced} | {logs} | {found.rate:.0f} | {found.p50 * 1000:.0f} ms | {found.p99 * 1000:.0f} ms "
            f"| {found.bytes_each:.0f} B | {found.server_cpu_each * 1e6:.0f} µs | {found.resident_mb:.0f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--logs", type=int, default=0)
    parser.add_argument("--rate", type=float, default=None, help="task runs a second; as fast as it goes if left out")
    parser.add_argument("--database", default=None, help="a URL; a new SQLite file if left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(measure(given.runs, given.database or f"{home}/towpath.db", Path(home), logs=given.logs, rate=given.rate))
