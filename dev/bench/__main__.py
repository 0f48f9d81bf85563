"""`python -m dev.bench [SUITE ...]`: runs the benchmarks and writes their tables to docs/reference/benchmarks/."""

import argparse
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dev.bench import api, sdk, ui

SUITES: dict[str, Callable[[], str]] = {"sdk": sdk.main, "api": api.main, "ui": ui.main}
TABLES = Path(__file__).parents[2] / "docs" / "reference" / "benchmarks"


def main() -> None:
    """Runs the suites named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all if left out")
    for name in parser.parse_args().suites or SUITES:
        if name not in SUITES:
            parser.error(f"there is no suite {name!r}: choose from {', '.join(SUITES)}")
        print(f"== {name}", flush=True)
        table = SUITES[name]()
        TABLES.mkdir(parents=True, exist_ok=True)
        (TABLES / f"{name}.md").write_text(f"# Benchmark: {name}\n\n{_machine()}\n\n{table}\n")
        print(f"\n{table}\n")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {memory:.0f} GB of memory, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; medians of the rounds of one run."
    )


if __name__ == "__main__":
    main()
