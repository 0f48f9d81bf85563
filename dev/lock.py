"""`python -m dev.lock`: pins the versions of everything that is installed, as constraints in the root pyproject.toml.

uv's own lock file names the address that each file came from, which is the business of each machine and its settings; it
is made anew on every machine from these pins and stays out of the repository. Called by `make lock` and `make check`.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_BEGIN = "# Pinned by `make lock`; not edited by hand.\nconstraint-dependencies = [\n"
_END = "]\n"
_EXPORT = ("export", "--all-packages", "--all-groups", "--all-extras", "--no-emit-workspace")
_PLAIN = ("--no-hashes", "--no-annotate", "--no-header", "--quiet")


def build_block(requirements: str) -> str:
    """The constraints for `requirements`, one pinned requirement a line. Pure."""
    quoted = (line.replace('"', "'") for line in requirements.splitlines() if "==" in line)
    return _BEGIN + "".join(f'    "{line}",\n' for line in quoted) + _END


def split_text(text: str) -> tuple[str, str, str]:
    """pyproject.toml's text before the block, the block, and after it. Pure.

    Raises:
        ValueError: when there is no block.
    """
    begin = text.find(_BEGIN)
    if begin < 0:
        raise ValueError(f"pyproject.toml has no block that begins with {_BEGIN!r} below [tool.uv]")
    end = text.index("\n" + _END, begin) + 1 + len(_END)
    return text[:begin], text[begin:end], text[end:]


def _uv(*words: str) -> str:
    uv = os.environ.get("UV", "uv")  # `uv run` names itself there
    return subprocess.run([uv, *words], cwd=PYPROJECT.parent, check=True, stdout=subprocess.PIPE, text=True).stdout


def _pin(*, upgrade: bool) -> None:
    before, block, after = split_text(PYPROJECT.read_text())
    try:
        PYPROJECT.write_text(before + build_block("") + after)
        _uv("lock", *(["--upgrade"] if upgrade else []))
        block = build_block(_uv(*_EXPORT, "--frozen", *_PLAIN))
    finally:
        PYPROJECT.write_text(before + block + after)
    _uv("lock")


def _is_fresh() -> bool:
    _, block, _ = split_text(PYPROJECT.read_text())
    return block == build_block(_uv(*_EXPORT, *_PLAIN))


def main() -> int:
    """Returns 1 when `--check` finds that something would be installed that is not pinned, else 0."""
    parser = argparse.ArgumentParser(prog="python -m dev.lock", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the pins are stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    arguments = parser.parse_args()
    if arguments.check:
        if not _is_fresh():
            print("the pins in pyproject.toml are stale: run `make lock` and commit it")
            return 1
        return 0
    _pin(upgrade=arguments.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
