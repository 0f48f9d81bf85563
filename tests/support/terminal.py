"""A terminal in which a person gives commands: what is printed comes through a real pseudo-terminal."""

import re
from collections.abc import Mapping
from pathlib import Path

import pexpect

PATIENCE = 100
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07")


def give(command: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Gives a shell command. Returns its exit code and what it printed, without what moves the cursor or colours."""
    child: pexpect.spawn[bytes] = pexpect.spawn(
        "bash",
        ["--norc", "-c", command],
        cwd=str(folder),
        env=dict(environment),
        dimensions=(50, 250),
        timeout=PATIENCE,
    )
    try:
        child.expect(pexpect.EOF)
        printed = child.before or b""
    finally:
        child.close(force=True)
    text = _CONTROL.sub("", printed.decode()).replace("\r\n", "\n").replace("\r", "\n")
    return child.exitstatus if child.exitstatus is not None else -1, text
