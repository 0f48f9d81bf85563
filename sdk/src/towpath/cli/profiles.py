"""`towpath profile`: keeps several sets of settings and chooses one."""

import json
import os
import re
from typing import Annotated

import typer

from towpath.cli.output_format import Format, Output
from towpath.errors import SettingsError
from towpath.profiles import read_profiles, write_profiles
from towpath.settings import PROFILE_VARIABLE, get_home

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="The profile's name.")]


@app.command()
def create(
    name: Name,
    copy: Annotated[str | None, typer.Option("--from", help="Copy the settings of this profile.")] = None,
) -> None:
    """Make a profile."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        raise SettingsError(f"{name!r} is no name for a profile: use letters, digits, `-`, `_` and `.`.")
    home = get_home(os.environ)
    profiles = read_profiles(home)
    if name in profiles.values:
        raise SettingsError(
            f"There is a profile {name!r} already: `towpath profile use {name}` makes it the active one."
        )
    if copy is not None and copy not in profiles.values:
        raise SettingsError(f"There is no profile {copy!r} to copy: `towpath profile ls` shows them.")
    values = dict(profiles.values[copy]) if copy is not None else {}
    write_profiles(home, profiles._replace(values={**profiles.values, name: values}))
    print(f"Created profile {name!r}.")
    print(f"Use it with `towpath profile use {name}`, or for one command with {PROFILE_VARIABLE}={name}.")


@app.command()
def use(name: Name) -> None:
    """Make a profile the active one."""
    home = get_home(os.environ)
    profiles = read_profiles(home)
    if name not in profiles.values:
        raise SettingsError(f"There is no profile {name!r}: make it with `towpath profile create {name}`.")
    write_profiles(home, profiles._replace(active=name))
    print(f"Profile {name!r} is now active.")


@app.command()
def ls(output: Output = Format.TABLE) -> None:
    """List the profiles; a star marks the active one."""
    profiles = read_profiles(get_home(os.environ))
    active = os.environ.get(PROFILE_VARIABLE) or profiles.active
    if output is Format.JSON:
        print(json.dumps([{"name": name, "active": name == active} for name in sorted(profiles.values)], indent=2))
        return
    for name in sorted(profiles.values):
        print(f"{'*' if name == active else ' '} {name}")
