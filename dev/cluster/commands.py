"""Runs other programs and turns their failure into a ClusterError that shows what they said.

Used by everything here that calls a program to its end; long-lived ones are started by processes.py.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dev.cluster.errors import ClusterError
from dev.cluster.progress import say

_TAIL_LINES = 25


def run(
    argv: Sequence[str | Path],
    *,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and capture what it prints.

    Args:
        argv: The program and its arguments; never a shell line.
        check: Whether an exit code other than 0 is an error.
        stdin: Text for its standard input; without it, the program reads an empty one, so that nothing can ask.
        env: Variables added to this process' own.
        cwd: Where it runs.
        timeout: Seconds until it is ended.

    Raises:
        ClusterError: It is not there, failed (with `check`), or took longer than `timeout`.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin if stdin is not None else "",
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]} was not found. Is it installed and on the PATH?") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words)} did not end within {timeout} s") from error
    if check and done.returncode != 0:
        said = tail(done.stderr + done.stdout)
        raise ClusterError(f"{' '.join(words)} ended with {done.returncode}:\n{said}")
    return done


def run_watched(
    argv: Sequence[str | Path],
    *,
    log: Path,
    report: Callable[[int], str],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    every: float = 15.0,
) -> None:
    """Run a slow program with its output in a log file, saying `report(lines so far)` every few seconds.

    Raises:
        ClusterError: It failed; shows the log's last lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        said = time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if time.monotonic() - said > every:
                    said = time.monotonic()
                    say("  " + report(log.read_bytes().count(b"\n")))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        raise ClusterError(f"{argv[0]} ended with {process.returncode}; its log {log} ends with:\n{tail_of(log)}")


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text, indented for reading below a sentence."""
    return "\n".join("    " + line for line in text.strip().splitlines()[-lines:])


def tail_of(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log file, or a note that there is none."""
    if not log.exists():
        return f"    ({log} was never written)"
    return tail(log.read_text(errors="replace"), lines)


def wait_until(condition: Callable[[], bool], *, timeout: float, every: float = 0.1) -> bool:
    """Ask until it is true or the time is up; says which."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True
