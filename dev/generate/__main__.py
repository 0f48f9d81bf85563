"""`python -m dev.generate`: writes every generated file, or with `--check` says which are stale.

Called by `make generate` and `make check`.
"""

import argparse
import sys
from pathlib import Path

from dev.generate.block_types import build_block_type_files
from dev.generate.cli_page import build_cli_files
from dev.generate.crds import build_crd_files
from dev.generate.openapi import build_openapi_files
from dev.generate.settings_page import build_settings_files

ROOT = Path(__file__).parents[2]
GENERATED_FOLDERS = ("crds", "charts/towpath/files/crds")
"""Folders that hold generated files only, so that one too many in them is noticed."""


def build_files() -> dict[str, str]:
    """Every generated file: its path from the project's root, and its text."""
    return (
        build_crd_files()
        | build_block_type_files()
        | build_openapi_files()
        | build_cli_files()
        | build_settings_files()
    )


def find_stale(files: dict[str, str]) -> list[str]:
    """Paths whose text differs from what would be generated, is missing, or should not be there."""
    stale = [path for path, text in files.items() if not _holds(ROOT / path, text)]
    for folder in GENERATED_FOLDERS:
        present = (path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*"))
        stale += [path for path in present if path not in files]
    return sorted(stale)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _write(files: dict[str, str], stale: list[str]) -> None:
    for path in stale:
        target = ROOT / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path])
        else:
            target.unlink()
        print(f"{'wrote' if path in files else 'removed'} {path}")


def main() -> int:
    """Returns 1 when `--check` finds a stale file, else 0."""
    parser = argparse.ArgumentParser(prog="python -m dev.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    arguments = parser.parse_args()
    files = build_files()
    stale = find_stale(files)
    if arguments.check:
        for path in stale:
            print(f"{path} is stale: run `make generate` and commit it")
        return 1 if stale else 0
    _write(files, stale)
    if not stale:
        print("all generated files are fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
