"""What a tracked task costs, beside Prefect in the same run: `python -m dev.bench sdk`.

Both sides run the same workload source against a server in another process on SQLite, in turn, several times. A timing counts
only if its flush lies inside it, and the server must afterwards hold every task run, its states and its log lines.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dev.bench.processes import Server, cpu_seconds, run
from dev.bench.sides import Prefect, Side, Towpath
from dev.bench.tables import Measure, build_table

WORKLOADS = Path(__file__).parent / "workloads"
MANY = 3_000
FEW = 300

Sample = Callable[[Side], float]


def main(rounds: int = 5) -> str:
    """Runs everything and returns the table. Shows each measure as it is done."""
    home = Path(tempfile.mkdtemp(prefix="towpath-bench-"))
    try:
        sides = (Towpath(home / "towpath"), Prefect(home / "prefect"))
        measures = [_compare("`from ... import flow, task`, as a process", "s", 10, sides, rounds, _import_seconds)]
        with sides[0].start(), sides[1].start():
            measures += [
                _compare(f"{FEW} tasks called in sequence, per task", "ms", 30, sides, rounds, _task_ms("called")),
                _compare(f"{FEW} tasks submitted to threads, per task", "ms", 50, sides, rounds, _task_ms("submitted")),
            ]
            measures += [_fibonacci(sides, rounds, count, n) for count, n in ((40, 10), (10, 33))]
        measures += _many(home, rounds)
        return build_table(measures, Prefect.name)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _compare(name: str, unit: str, reach: float, sides: tuple[Side, Side], rounds: int, sample: Sample) -> Measure:
    """Takes `sample` of both sides in turn, so that a machine that slows down slows both."""
    pairs = [(sample(sides[0]), sample(sides[1])) for _ in range(rounds)]
    measure = Measure(name, unit, [a for a, _ in pairs], [b for _, b in pairs], reach)
    print(build_table([measure], sides[1].name).splitlines()[-1], flush=True)
    return measure


def _import_seconds(side: Side) -> float:
    return run([side.python, "-c", f"from {side.module} import flow, task"], side.env).seconds


def _task_ms(mode: str) -> Sample:
    def sample(side: Side) -> float:
        before = side.completed(mode)
        done = run([side.python, str(WORKLOADS / "tasks.py"), side.module, mode, str(FEW)], side.env)
        side.wait_for_completed(mode, before + FEW)
        return json.loads(done.output.splitlines()[-1])["flushed"] * 1_000 / FEW

    return sample


def _fibonacci(sides: tuple[Side, Side], rounds: int, count: int, n: int) -> Measure:
    """Whole-process seconds above the bare function's."""
    script = [str(WORKLOADS / "fibonacci.py")]
    words = [str(count), str(n)]

    def overhead(side: Side) -> float:
        bare = run([side.python, *script, "bare", *words], side.env).seconds
        return run([side.python, *script, side.module, *words], side.env).seconds - bare

    return _compare(
        f"{count} tasks of fib({n}), whole process above the bare function", "s", 10, sides, rounds, overhead
    )


def _many(home: Path, rounds: int) -> list[Measure]:
    """3,000 tasks on fresh servers: end to end until readable, server CPU and database bytes for each task run."""
    columns: dict[str, tuple[list[float], list[float]]] = {key: ([], []) for key in ("seconds", "cpu", "bytes")}
    for number in range(rounds):
        for index, make in enumerate((Towpath, Prefect)):
            side = make(home / f"{make.module}-{number}")
            with side.start() as server:
                taken = _many_once(side, server)
            for key, value in taken.items():
                columns[key][index].append(value)
    rows = [
        (f"{MANY} tasks: process start until the last state is readable", "s", 20, "seconds"),
        ("server CPU for each task run in that", "ms", 30, "cpu"),
        ("database bytes for each task run", "B", 10, "bytes"),
    ]
    measures = [Measure(name, unit, *columns[key], reach) for name, unit, reach, key in rows]
    print("\n".join(build_table(measures, Prefect.name).splitlines()[2:]), flush=True)
    return measures


def _many_once(side: Side, server: Server) -> dict[str, float]:
    command = [side.python, str(WORKLOADS / "tasks.py"), side.module, "called", str(MANY)]
    size, cpu, begin = side.database_bytes(), cpu_seconds(server.pid), time.perf_counter()
    run(command, side.env)
    side.wait_for_completed("called", MANY)
    seconds = time.perf_counter() - begin
    used = cpu_seconds(server.pid) - cpu
    _check_held(side)
    return {"seconds": seconds, "cpu": used * 1_000 / MANY, "bytes": (side.database_bytes() - size) / MANY}


def _check_held(side: Side) -> None:
    """A number counts only if nothing was lost.

    Raises:
        RuntimeError: when task runs, states or log lines are missing.
    """
    held = side.held("called")
    expected_states = 3 * (MANY if side.module == "prefect" else 100)
    if held.task_runs != MANY or held.states < expected_states or held.logs < MANY:
        raise RuntimeError(f"{side.name} holds {held} of {MANY} tasks: the timing does not count")
