"""Manifests as text. Called by `building` and `manifests`.

YAML readers disagree about words: `y`, `on` and `1e3` are text to one and a truth value or a number to another. What is
written here is quoted wherever any of them could differ; what is read takes times as the text they are, as kubectl does.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from towpath.errors import DeploymentError, ManifestError

_PLAIN: Final = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@+ -]*[A-Za-z0-9_./]", re.ASCII)
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", ".nan", ".inf", "inf"})


class _Dumper(yaml.SafeDumper):
    """Quotes text that a YAML reader might take for something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _represent_text)


class _Loader(yaml.SafeLoader):
    """Reads times as text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def format_documents(documents: Sequence[Mapping[str, Any]]) -> str:
    """The documents as one YAML text."""
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 120}
    return "---\n".join(yaml.dump(dict(document), Dumper=_Dumper, **options) for document in documents)


def write_documents(file: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Writes a manifest, whole or not at all.

    Raises:
        DeploymentError: the file cannot be written.
    """
    write_whole(file, format_documents(documents))


def write_whole(file: Path, text: str) -> None:
    """Writes a file by way of another that takes its place, so that nobody finds half of it.

    Raises:
        DeploymentError: it cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise DeploymentError(f"{file} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).chmod(_usual_mode())
        Path(name).replace(file)
    except OSError as error:
        with suppress(OSError):
            Path(name).unlink()
        raise DeploymentError(f"{file} cannot be written: {error.strerror}.") from error


def _usual_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def read_documents(file: Path) -> list[Any]:
    """What a YAML file holds, a value for each document; empty documents are left out.

    Raises:
        ManifestError: it cannot be read; the message has the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError(f"There is no file {file}.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ManifestError(f"{file} cannot be read: {reason}.") from None
    return [document for document in _parse(file, text) if document is not None]


def _parse(file: Path, text: str) -> Iterator[Any]:
    try:
        yield from yaml.load_all(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file}, line {mark.line + 1}" if mark is not None else str(file)
        raise ManifestError(f"{where}: this is not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise ManifestError(f"{file}: this is not YAML: {error}.") from None
