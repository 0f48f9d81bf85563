"""The command line: `towpath ...`. Started by the entry point `towpath`.

Each noun is a module with a typer app, listed in `registry`; it loads when its command is given. The commands ask the API
through `towpath.client.api` and write profiles; they decide nothing about runs.
"""

import sys

from towpath.errors import TowpathError


def main() -> None:
    """Runs the command that the arguments name, and ends the process: 0 done, 1 an error in one sentence, 2 wrong usage."""
    sys.exit(run_guarded(sys.argv[1:]))


def run_guarded(arguments: list[str]) -> int:
    """Runs a command and turns an error of Towpath's into one sentence. Returns the exit code."""
    try:
        if arguments in (["version"], ["--version"]):
            from towpath.cli.versions import show_versions  # noqa: PLC0415 - `config` and the like do not need it

            show_versions()
            return 0
        from towpath.cli.application import run  # noqa: PLC0415 - typer and its pydantic cost 150 ms

        return run(arguments)
    except TowpathError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
