"""Profiles: named sets of settings in `TOWPATH_HOME/profiles.toml`, one of them active.

Called by `towpath.settings`, which reads the active one, and by the CLI, which writes them. Knows nothing of which
settings there are or what their values mean.

The file is TOML and may be edited by hand; writing it through the CLI does not keep comments:

    active = "default"

    [profiles.default]
    TOWPATH_API_URL = "http://127.0.0.1:4200/api"
"""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from towpath.errors import SettingsError

DEFAULT_PROFILE: Final = "default"
FILE_NAME: Final = "profiles.toml"


class Profiles(NamedTuple):
    """The content of a profiles file.

    Attributes:
        active: the name of the profile that counts unless TOWPATH_PROFILE names another.
        values: each profile's settings, variable to text.
    """

    active: str
    values: dict[str, dict[str, str]]


def profiles_path(home: Path) -> Path:
    """Where the profiles of `home` are."""
    return home / FILE_NAME


def read_profiles(home: Path) -> Profiles:
    """The profiles of `home`; the empty profile `default` when there is no file.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or does not hold what a profiles file holds.
    """
    path = profiles_path(home)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Profiles(DEFAULT_PROFILE, {DEFAULT_PROFILE: {}})
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib  # noqa: PLC0415 - 3 ms that a flow without a profiles file does not pay

    try:
        document = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML ({error}): mend it, or delete it to start afresh.") from error
    return _check_document(path, document)


def _check_document(path: Path, document: dict[str, Any]) -> Profiles:
    active: object = document.get("active", DEFAULT_PROFILE)
    profiles: object = document.get("profiles", {})
    if not isinstance(active, str) or not isinstance(profiles, dict):
        raise SettingsError(f"{path} must hold `active`, a profile's name, and tables named [profiles.NAME].")
    values: dict[str, dict[str, str]] = {}
    for name, table in profiles.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: profiles.{name} must be a table of settings.")
        values[str(name)] = {str(key): _as_text(value) for key, value in table.items()}
    values.setdefault(active, {})
    return Profiles(active, values)


def _as_text(value: object) -> str:
    """A TOML value as the environment would hold it: people write numbers, booleans and lists without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return str(value)


def write_profiles(home: Path, profiles: Profiles) -> None:
    """Replaces the profiles file of `home`, readable by its owner alone since profiles may hold tokens.

    Raises:
        SettingsError: the file or its folder cannot be written.
    """
    lines = ["# Towpath's profiles: `towpath config set` and `towpath profile` write this file.", ""]
    lines.append(f"active = {_toml_string(profiles.active)}")
    for name, values in sorted(profiles.values.items()):
        lines += ["", f"[profiles.{_toml_string(name)}]"]
        lines += [f"{key} = {_toml_string(value)}" for key, value in sorted(values.items())]
    path = profiles_path(home)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        draft.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _toml_string(text: str) -> str:
    """`text` as a basic string of TOML."""
    escaped = "".join(
        _ESCAPES.get(char) or (f"\\u{ord(char):04x}" if char < " " or char == "\x7f" else char) for char in text
    )
    return f'"{escaped}"'
