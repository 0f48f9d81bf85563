"""Finds and runs a command, by its name. Called by `towpath.cli.main`."""

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from towpath.cli.registry import COMMANDS, EXTRAS, GROUP
from towpath.cli.versions import show_versions
from towpath.errors import TowpathError


class LazyGroup(TyperGroup):
    """Loads a command when it is asked for, not before."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, ours and those of other distributions."""
        return sorted({*COMMANDS, *EXTRAS, *(entry.name for entry in entry_points(group=GROUP))})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None when there is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is not None:
            return _as_command(getattr(importlib.import_module(entry.module), entry.attribute), cmd_name, entry.help)
        foreign = _find_foreign(cmd_name)
        if foreign is not None:
            return _as_command(_load_foreign(foreign), cmd_name, None)
        if cmd_name in EXTRAS:
            return _missing_extra(cmd_name, EXTRAS[cmd_name])
        return None


def _find_foreign(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)


def _load_foreign(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except ImportError as error:
        distribution = entry.dist.name if entry.dist is not None else "another distribution"
        raise TowpathError(
            f"The command {entry.name!r} of {distribution} cannot be loaded ({error}): install it again in the version "
            "of towpath."
        ) from error


def _as_command(found: Any, name: str, help_text: str | None) -> Any:
    command = get_command(found) if isinstance(found, typer.Typer) else found
    command.name = name
    command.params = [option for option in command.params if option.name not in _OF_THE_ROOT]
    if help_text is not None:
        command.help = help_text
    return command


_OF_THE_ROOT = ("install_completion", "show_completion")
"""Options that typer gives each app, and that only make sense once."""


def _missing_extra(name: str, extra: str) -> Any:
    app = typer.Typer(add_completion=False)

    @app.command(
        help=f"Needs towpath[{extra}].",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def say_missing() -> None:
        raise TowpathError(f"`towpath {name}` needs more than is installed: pip install 'towpath[{extra}]'")

    return _as_command(app, name, None)


application = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Towpath: Python flows on Kubernetes.",
)


def _show_versions(is_asked: bool) -> None:
    if is_asked:
        show_versions()
        raise typer.Exit


@application.callback()
def towpath(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_versions, help="Show the versions of what runs here."),
    ] = False,
) -> None:
    """Towpath: Python flows on Kubernetes."""


def run(arguments: list[str]) -> int:
    """Runs a command. Returns the exit code.

    Raises:
        TowpathError: what the command raises.
    """
    try:
        get_command(application).main(args=arguments, prog_name="towpath", standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0
