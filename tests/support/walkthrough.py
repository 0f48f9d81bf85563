"""Reads a page of documentation as a script: the files it shows, the commands it gives, and what they print.

Blocks: `python file=NAME` is a file; `console` holds commands (`$ ...`), each with its output; `console terminal` holds one command that
goes on in a terminal of its own; `console fails` holds commands that exit with 1. In outputs `…` stands for anything within a line, and a
line of `…` alone for any number of lines; columns may be of any width.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class File:
    """A file to write."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command to give.

    Attributes:
        goes_on: whether it has a terminal of its own.
        code: the exit code.
    """

    text: str
    output: str
    goes_on: bool = False
    code: int = 0


def read_page(page: Path) -> Iterator[File | Command]:
    """The page's files and commands, in order."""
    for language, words, body in _BLOCK.findall(page.read_text()):
        if language == "python" and (named := re.search(r"file=(\S+)", words)):
            yield File(named[1], body)
        elif language == "console":
            for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
                if part:
                    command, _, output = part.partition("\n")
                    goes_on, code = "terminal" in words, 1 if "fails" in words else 0
                    yield Command(command.removeprefix("$ "), output, goes_on, code)


def matches(documented: str, printed: str) -> bool:
    """Whether what was printed is what the page shows."""
    pattern = "".join(_line_pattern(line) for line in documented.rstrip("\n").splitlines())
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n" if printed else "\n" * bool(documented)) is not None


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    text = "".join(r"[^\n]*" if part == "…" else re.escape(part) for part in re.split("(…)", line.rstrip()))
    return re.sub(r"(?:\\ ){2,}", r"[ ]*", text) + r"[ ]*\n"
