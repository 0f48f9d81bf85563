"""`towpath config`: shows and changes settings."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from towpath.cli.output_format import Format, Output
from towpath.errors import SettingsError
from towpath.profiles import Profiles, read_profiles, write_profiles
from towpath.settings import (
    PROFILE_VARIABLE,
    SETTINGS,
    Origin,
    Setting,
    find_setting,
    get_home,
    parse_setting,
    read_origins,
)

app = typer.Typer(no_args_is_help=True, add_completion=False)
_HIDDEN = "********"


@app.command()
def view(
    show_defaults: Annotated[bool, typer.Option(help="Also show what nobody has set.")] = True,
    show_secrets: Annotated[bool, typer.Option(help="Show tokens as they are.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show each setting and where its value comes from."""
    home = get_home(os.environ)
    profile = os.environ.get(PROFILE_VARIABLE) or read_profiles(home).active
    shown = [origin for origin in read_origins(os.environ) if show_defaults or origin.source != "default"]
    if output is Format.JSON:
        values = {o.setting.variable: {"value": _text(o, show_secrets), "from": o.source} for o in shown}
        print(json.dumps({"profile": profile, "settings": values}, indent=2))
        return
    print(f"{PROFILE_VARIABLE}={profile!r}")
    for origin in shown:
        source = "defaults" if origin.source == "default" else origin.source.split(" ")[0]
        text = _text(origin, show_secrets)
        print(f"{origin.setting.variable}={text if text is None else repr(text)} (from {source})")


def _text(origin: Origin, show_secrets: bool) -> str | None:
    return _HIDDEN if origin.text and origin.setting.secret and not show_secrets else origin.text


@app.command("set")
def set_values(
    settings: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Settings and their values.")],
) -> None:
    """Set values in the active profile."""
    parsed = [_parse_assignment(text) for text in settings]
    home, profiles, name = get_active_profile()
    values = {**profiles.values[name], **{setting.variable: value for setting, value in parsed}}
    write_profiles(home, profiles._replace(values={**profiles.values, name: values}))
    for setting, value in parsed:
        print(f"Set {setting.variable!r} to {_HIDDEN if setting.secret else value!r}.")
        warn_of_environment(setting)
    print(f"Updated profile {name!r}.")


def _parse_assignment(text: str) -> tuple[Setting, str]:
    variable, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"{text!r} is not an assignment: write it as NAME=VALUE.")
    setting = _get_setting(variable)
    parse_setting(setting, value, "given here")
    return setting, value


def _get_setting(variable: str) -> Setting:
    setting = find_setting(variable)
    if setting is None:
        known = ", ".join(setting.variable for setting in SETTINGS)
        raise SettingsError(f"{variable!r} is not a setting: there are {known}.")
    if setting.field == "home":
        raise SettingsError("TOWPATH_HOME says where the profiles are, so only the environment can set it.")
    return setting


@app.command()
def unset(
    settings: Annotated[list[str], typer.Argument(metavar="NAME...", help="Settings to leave to their defaults.")],
) -> None:
    """Take values out of the active profile."""
    chosen = [_get_setting(variable) for variable in settings]
    home, profiles, name = get_active_profile()
    values = dict(profiles.values[name])
    for setting in chosen:
        if setting.variable not in values:
            raise SettingsError(f"{setting.variable!r} is not set in profile {name!r}.")
        del values[setting.variable]
    write_profiles(home, profiles._replace(values={**profiles.values, name: values}))
    for setting in chosen:
        print(f"Unset {setting.variable!r}.")
        warn_of_environment(setting)
    print(f"Updated profile {name!r}.")


def get_active_profile() -> tuple[Path, Profiles, str]:
    """The home, its profiles, and the name of the one that counts.

    Raises:
        SettingsError: TOWPATH_PROFILE names one that is not there.
    """
    home = get_home(os.environ)
    profiles = read_profiles(home)
    name = os.environ.get(PROFILE_VARIABLE) or profiles.active
    if name not in profiles.values:
        raise SettingsError(f"There is no profile {name!r}: make it with `towpath profile create {name}`.")
    return home, profiles, name


def warn_of_environment(setting: Setting) -> None:
    """Says when the environment keeps a profile's value from counting."""
    if os.environ.get(setting.variable):
        print(f"{setting.variable!r} is also set in the environment, which counts before the profile.")
