"""What git is run with, and what its complaints mean. Pure. Called by `git_fetching`.

A token never stands in a command, an address, an environment variable or git's configuration: git asks a helper for it, which
reads a file that only this user can read, and only for the host that the token is for.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from towpath.filesystems.checking import GitAddress

_KEPT: Final = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH",
        "GIT_PROXY_SSL_CAINFO",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_NO_VERIFY",
    }
)
"""Of the caller's variables for git: those that say how to reach hosts. The others say which repository to work on, or trace."""

CREDENTIAL_FILE: Final = "credential"
KEY_FILE: Final = "key"
KNOWN_HOSTS_FILE: Final = "known_hosts"


@dataclass(frozen=True)
class GitSource:
    """What to fetch, and with which right. Its secrets are never shown.

    Attributes:
        reference: a branch, tag or commit; None for the branch that the host says is the main one.
        username: sent with the token.
        known_hosts: lines of an ssh known_hosts file; None for this machine's own.
        timeout: seconds that all of it may take.
    """

    address: GitAddress
    reference: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str = "git"
    ssh_key: str | None = field(default=None, repr=False)
    known_hosts: str | None = None
    submodules: bool = False
    timeout: float = 600.0


def build_files(source: GitSource) -> Mapping[str, str]:
    """What the private folder holds, by name: only this user may read it, and it goes when git is done."""
    files: dict[str, str] = {}
    if source.token is not None:
        files[CREDENTIAL_FILE] = f"username={source.username}\npassword={source.token}\n"
    if source.ssh_key is not None:
        files[KEY_FILE] = source.ssh_key.strip().replace("\r\n", "\n") + "\n"
    if source.known_hosts is not None:
        files[KNOWN_HOSTS_FILE] = source.known_hosts.strip() + "\n"
    return files


def build_environment(source: GitSource, caller: Mapping[str, str], private: Path) -> dict[str, str]:
    """git's environment: the caller's, without what would lead git elsewhere, with our rules added."""
    kept = {
        name: value
        for name, value in caller.items()
        if not name.startswith(("TOWPATH_", "GIT_", "SSH_ASKPASS")) or name in _KEPT
    }
    schemes = {"https", "ssh", source.address.scheme}
    kept |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": ":".join(sorted(schemes)),
        "GIT_HTTP_LOW_SPEED_LIMIT": "100",
        "GIT_HTTP_LOW_SPEED_TIME": "60",
    }
    if source.address.scheme == "ssh" and (source.ssh_key is not None or "GIT_SSH_COMMAND" not in kept):
        kept["GIT_SSH_COMMAND"] = build_ssh_command(source, private)
        kept["GIT_SSH_VARIANT"] = "ssh"
    for index, (key, value) in enumerate(pairs := build_config(source, private)):
        kept[f"GIT_CONFIG_KEY_{index}"] = key
        kept[f"GIT_CONFIG_VALUE_{index}"] = value
    kept["GIT_CONFIG_COUNT"] = str(len(pairs))
    return kept


def build_config(source: GitSource, private: Path) -> list[tuple[str, str]]:
    """git's settings for this fetch, over those of the machine and the user."""
    pairs = [
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.askPass", ""),
        ("gc.auto", "0"),
        ("advice.detachedHead", "false"),
        ("http.followRedirects", "initial"),
    ]
    if source.token is not None:
        file = shlex.quote(str(private / CREDENTIAL_FILE))
        pairs += [
            ("credential.helper", ""),  # no other helper is asked, and none is told to keep the token
            (f"credential.{source.address.origin}.helper", f'!f() {{ test "$1" = get && cat {file}; }}; f'),
        ]
    return pairs


def build_ssh_command(source: GitSource, private: Path) -> str:
    """The ssh that git runs: it asks nobody, and takes no host that is not known."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=20"]
    words += ["-o", "StrictHostKeyChecking=yes", "-o", "ForwardAgent=no"]
    if source.known_hosts is not None:
        words += ["-o", f"UserKnownHostsFile={private / KNOWN_HOSTS_FILE}", "-o", "GlobalKnownHostsFile=/dev/null"]
    if source.ssh_key is not None:
        words += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", str(private / KEY_FILE)]
    return shlex.join(words)


def build_fetch(source: GitSource) -> list[str]:
    """Fetches one commit and no history."""
    return [
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
        "--end-of-options", source.address.url, f"{source.reference or 'HEAD'}:refs/towpath/fetched",
    ]  # fmt: skip


def build_full_fetch(source: GitSource) -> list[str]:
    """Fetches all branches and tags with their history, for a commit that the host does not hand out by its hash."""
    return [
        "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--end-of-options",
        source.address.url, "+refs/heads/*:refs/towpath/heads/*", "+refs/tags/*:refs/towpath/tags/*",
    ]  # fmt: skip


@dataclass(frozen=True)
class Complaint:
    """What went wrong, as a clause without its full stop; `retryable` when it may pass by itself, `missing` for a reference."""

    text: str
    retryable: bool = False
    missing: bool = False


_COMPLAINTS: Final[Sequence[tuple[str, str]]] = (
    (r"couldn't find remote ref|not our ref|unadvertised object|remote error: upload-pack: not our ref", "missing"),
    (r"Host key verification failed|No .* host key is known|REMOTE HOST IDENTIFICATION HAS CHANGED", "host key"),
    (r"Authentication failed|could not read Username|could not read Password|terminal prompts disabled", "right"),
    (r"returned error: 40[13]|Permission denied|Load key .*: (invalid format|error in libcrypto)", "right"),
    (
        r"[Rr]epository .*not found|returned error: 404|does not appear to be a git repository|not found: did you run",
        "none",
    ),
    (r"Could not resolve host|Connection (refused|timed out|reset|closed)|Failed to connect|Couldn't connect", "away"),
    (r"Could not connect|Network is unreachable|No route to host|Operation timed out|Operation too slow", "away"),
    (r"returned error: (429|5\d\d)|early EOF|unexpected disconnect|the remote end hung up|Empty reply", "away"),
    (r"SSL certificate|certificate verif|SSL_|server certificate", "certificate"),
    (r"transport '.*' not allowed|protocol '.*' (is )?not (supported|allowed)", "protocol"),
    (r"No space left on device", "space"),
)


def judge_complaint(source: GitSource, said: str) -> Complaint:
    """What git's words on its standard error mean.

    Args:
        said: may hold anything, a token too: no part of it is repeated unless nothing else explains it, and then without secrets.
    """
    kind = next((kind for pattern, kind in _COMPLAINTS if re.search(pattern, said)), "")
    where = source.address.url
    match kind:
        case "missing":
            return Complaint(
                f"there is no branch, tag or commit {source.reference or 'HEAD'!r} in {where}", missing=True
            )
        case "host key":
            return Complaint(
                f"the host key of {source.address.host} is not known: put what `ssh-keyscan` says of it, once checked, into "
                "the block's `known_hosts`"
            )
        case "right":
            needs = "ssh_key" if source.address.scheme == "ssh" else "access_token"
            given = source.ssh_key if source.address.scheme == "ssh" else source.token
            verdict = f"it does not accept the block's `{needs}`" if given else f"it asks for a right: set `{needs}`"
            return Complaint(f"{where} may not be read: {verdict}")
        case "none":
            return Complaint(f"there is no repository at {where}, or the block's token or key may not see it")
        case "away":
            return Complaint(f"{where} cannot be reached ({_last_line(source, said)})", retryable=True)
        case "certificate":
            return Complaint(f"the certificate of {source.address.host} is not trusted ({_last_line(source, said)})")
        case "protocol":
            return Complaint(f"{where} leads to an address that is neither https nor ssh ({_last_line(source, said)})")
        case _:
            return Complaint(f"{where} cannot be fetched ({_last_line(source, said)})")


def _last_line(source: GitSource, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ssh:", "remote:"))] or lines
    shown = re.sub(r"^(fatal|error|remote|ssh): *", "", telling[0]).rstrip(".") if telling else "git says nothing"
    return redact(source, shown)[:300]


def redact(source: GitSource, text: str) -> str:
    """The text without the source's secrets."""
    for secret in (source.token, source.ssh_key):
        if secret:
            text = text.replace(secret, "***")
    return re.sub(r"(://)[^/@\s]+@", r"\1***@", text)
