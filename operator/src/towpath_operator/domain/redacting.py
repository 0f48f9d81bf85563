"""Leaves out what may be secret in what is shown of Kubernetes objects. Pure; called by domain.kube_views.

Whoever may read a run need not be somebody who may read its pods. So of a pod template only what says how pods are made is shown:
which variables and mounts there are, and not what a variable or a volume driver is told.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

HIDDEN: Final = "(hidden)"

_VALUED: Final = frozenset({"env", "httpHeaders"})
"""Lists of names with values."""
_FREE: Final = frozenset({"volumeAttributes", "options"})
"""What the drivers of volumes are told, by names of their own."""
_NAMED: Final = frozenset({"annotations", "labels"})
_COMMANDS: Final = frozenset({"command", "args"})
_SECRET_WORDS: Final = (
    r"(?:pass(?:word|wd|phrase)|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key)"
)
_SECRET_NAME: Final = re.compile(_SECRET_WORDS, re.IGNORECASE)
_ASSIGNED: Final = re.compile(rf"([\w.-]*{_SECRET_WORDS}[\w.-]*\s*[=:]\s*)\S+", re.IGNORECASE)
_FLAG: Final = re.compile(rf"--?[\w.-]*{_SECRET_WORDS}[\w.-]*", re.IGNORECASE)
_USER_INFO: Final = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)


def hide_credentials(text: str) -> str:
    """The text with user and password of the addresses in it hidden."""
    return _USER_INFO.sub(rf"\1{HIDDEN}@", text)


def redact_template(template: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template as it may be shown to whoever may read the run.

    Hidden are values of environment variables and headers, what volume drivers are told, labels and annotations named like a secret,
    such arguments of commands, and credentials in addresses. Names of Secrets stay: they say where to look.
    """
    return {name: _redact_field(name, value, "") for name, value in template.items()}


def _redact(value: Any, within: str) -> Any:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {name: _redact_field(name, each, within) for name, each in fields.items()}
    if isinstance(value, list):
        return [_redact(each, within) for each in cast("list[Any]", value)]
    return hide_credentials(value) if isinstance(value, str) else value


def _redact_field(name: str, value: Any, within: str) -> Any:
    """A field of an object that is, or is an item of, the field `within`."""
    if within in _VALUED and name == "value":
        return HIDDEN
    if within in _FREE or (within in _NAMED and _SECRET_NAME.search(name)):
        return HIDDEN
    if name in _COMMANDS and isinstance(value, list):
        return _redact_command([str(each) for each in cast("list[Any]", value)])
    return _redact(value, name)


def _redact_command(words: Sequence[str]) -> list[str]:
    """A command whose flags and assignments named like a secret have no values."""
    shown: list[str] = []
    for index, word in enumerate(words):
        follows = index > 0 and _FLAG.fullmatch(words[index - 1]) is not None and not word.startswith("-")
        shown.append(HIDDEN if follows else _ASSIGNED.sub(rf"\1{HIDDEN}", hide_credentials(word)))
    return shown
