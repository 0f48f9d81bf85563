"""Checks the words that lead to code: paths within a storage, git references, git addresses. Pure.

Called by the other modules of this package, by the runner and by whoever builds deployments. What passes here can stand in a
command line or be joined to a folder: it is no option, leads nowhere else, and carries no secret.
"""

import posixpath
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from towpath.errors import StorageError

MAX_PATH: Final = 1024
MAX_REFERENCE: Final = 255

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_REFERENCE_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SCP: Final = re.compile(r"(?:(?P<user>[^@:/]+)@)?(?P<host>[^@:/]+):(?P<path>[^:].*)")
_ADDRESS_EXAMPLE: Final = "write it as https://host/owner/repository or ssh://git@host/owner/repository"


def check_path(text: str, field: str = "path") -> str:
    """A path within a storage, with `/` between its parts and none of them `.`; empty for the storage's root.

    Args:
        field: what the message names.

    Raises:
        StorageError: it is absolute, leads out of the storage, or is no path.
    """
    if len(text) > MAX_PATH or _CONTROL.search(text) or "\\" in text:
        raise StorageError(
            f"{field}: {text[:80]!r} is not right: give a path with `/` between its parts, at most {MAX_PATH} characters."
        )
    if text.startswith(("/", "~")):
        raise StorageError(
            f"{field}: {text!r} is not right: give a path from the storage's root, without `/` before it."
        )
    normal = posixpath.normpath(text) if text else ""
    if normal == ".." or normal.startswith("../"):
        raise StorageError(f"{field}: {text!r} leads out of the storage: give a path below its root.")
    return "" if normal == "." else normal


def join_paths(*parts: str) -> str:
    """The parts of a path, each checked, as one."""
    return "/".join(part for part in (check_path(part) for part in parts) if part)


def check_reference(text: str) -> str:
    """A branch, tag or commit.

    Raises:
        StorageError: git would not take it as one.
    """
    if (
        not text
        or len(text) > MAX_REFERENCE
        or text.startswith(("-", "/", ".", "+"))
        or text.endswith(("/", "."))
        or text == "@"
        or _REFERENCE_FORBIDDEN.search(text)
    ):
        raise StorageError(
            f"reference: {text[:80]!r} is not right: give the name of a branch or tag, or a commit's hash."
        )
    return text


def is_commit(reference: str) -> bool:
    """Whether a reference may be a commit's hash, whole or cut."""
    return _COMMIT.fullmatch(reference) is not None


@dataclass(frozen=True)
class GitAddress:
    """Where a repository is, as git takes it. It holds no secret.

    Attributes:
        host: with the port, where one is given.
        url: the address itself.
    """

    scheme: Literal["https", "http", "ssh"]
    host: str
    url: str

    @property
    def origin(self) -> str:
        """Scheme and host: what a token is for."""
        return f"{self.scheme}://{self.host}"


def parse_address(text: str) -> GitAddress:
    """A git repository's address: https, http or ssh, or ssh in short as `git@host:owner/repository`.

    Raises:
        StorageError: it is not one, or a password is in it; the message does not repeat the password.
    """
    if len(text) > MAX_PATH or _CONTROL.search(text) or any(char.isspace() for char in text) or text.startswith("-"):
        raise StorageError(f"repository: {_without_user(text)!r} is not right: {_ADDRESS_EXAMPLE}.")
    if "://" not in text:
        return _parse_short(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise StorageError(f"repository: {_without_user(text)!r} is not right: {_ADDRESS_EXAMPLE}.") from None
    scheme = parts.scheme.lower()
    if scheme not in ("https", "http", "ssh"):
        raise StorageError(f"repository: {scheme}:// is not fetched from: {_ADDRESS_EXAMPLE}.")
    if parts.password is not None or (parts.username is not None and scheme != "ssh"):
        raise StorageError(
            f"repository: {_without_user(text)!r} is given with a user or password in it: put them into `username` and "
            "`access_token`, which are kept as secrets are."
        )
    host = parts.netloc.rpartition("@")[2]
    name = host.removesuffix(f":{port}") if port is not None else host
    is_right = _HOST.fullmatch(name) and parts.path.strip("/") and not parts.query and not parts.fragment
    if not is_right or (parts.username is not None and not _USER.fullmatch(parts.username)) or "%" in parts.path:
        raise StorageError(f"repository: {_without_user(text)!r} is not right: {_ADDRESS_EXAMPLE}.")
    return GitAddress(scheme, host, text)


def _parse_short(text: str) -> GitAddress:
    found = _SCP.fullmatch(text)
    if found is None or not _HOST.fullmatch(found["host"]) or found["path"].startswith("-"):
        raise StorageError(f"repository: {text!r} is not right: {_ADDRESS_EXAMPLE}.")
    if found["user"] is not None and not _USER.fullmatch(found["user"]):
        raise StorageError(f"repository: {text!r} is not right: {_ADDRESS_EXAMPLE}.")
    return GitAddress("ssh", found["host"], text)


def _without_user(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    shown = rest if separator else scheme
    host, slash, path = shown.partition("/")
    return f"{scheme + separator if separator else ''}{host.rpartition('@')[2]}{slash}{path}"[:120]
