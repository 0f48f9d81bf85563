"""Fetches a commit of a git repository into a folder. Called by the `Git` and `GitHub` blocks.

Runs git without a shell and with nothing of a person's hooks; what it may do is decided in `git_commands`.
"""

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from towpath.errors import StorageError
from towpath.filesystems.checking import check_path, check_reference, is_commit
from towpath.filesystems.copying import copy_tree
from towpath.filesystems.git_commands import (
    GitSource,
    build_environment,
    build_fetch,
    build_files,
    build_full_fetch,
    judge_complaint,
)

TRIES: Final = 3
_PAUSE: Final = 1.0

logger = logging.getLogger("towpath.filesystems")


class _GitError(Exception):
    """git ended with an error."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class _Git:
    """Runs git in one repository."""

    def __init__(self, folder: Path, environment: Mapping[str, str], deadline: float) -> None:
        self._folder = folder
        self._environment = environment
        self._deadline = deadline

    def run(self, *words: str) -> str:
        """What git prints.

        Raises:
            _GitError: it ends with an error.
            subprocess.TimeoutExpired: it takes too long.
        """
        process = subprocess.Popen(
            ["git", "-C", str(self._folder), *words],
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # its helpers are to end with it
        )
        try:
            printed, said = process.communicate(timeout=max(1.0, self._deadline - time.monotonic()))
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode:
            raise _GitError(said.decode(errors="replace"))
        return printed.decode(errors="replace").strip()


def fetch_repository(
    source: GitSource,
    folder: Path,
    path: str = "",
    *,
    with_history: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Brings a folder of a repository, as one commit has it, into a local one. Returns the commit.

    Args:
        folder: made if it is missing; what it holds stays, unless it has the same name.
        path: the folder within the repository.
        with_history: whether git's own folder comes along, where all of the repository does.

    Raises:
        StorageError: saying which address, reference, path or right is at fault.
    """
    path = check_path(path)
    if source.reference is not None:
        check_reference(source.reference)
    if shutil.which("git") is None:
        raise StorageError("git is not installed here: install it, or take an image that has it.")
    deadline = time.monotonic() + source.timeout
    with _private_folder(source) as private, tempfile.TemporaryDirectory(prefix="towpath-git-") as checkout:
        git = _Git(Path(checkout), build_environment(source, os.environ, private), deadline)
        try:
            commit = _check_out(git, source, deadline, sleep)
        except subprocess.TimeoutExpired:
            raise StorageError(f"{source.address.url} could not be fetched within {source.timeout:g} s.") from None
        except _GitError as error:
            raise StorageError(f"{_capitalize(judge_complaint(source, error.said).text)}.") from None
        _copy(Path(checkout), path, folder, source, commit, with_history=with_history)
    return commit


def _check_out(git: _Git, source: GitSource, deadline: float, sleep: Callable[[float], None]) -> str:
    git.run("init", "--quiet", "--template=")
    found = _fetch(git, source, deadline, sleep)
    git.run("checkout", "--quiet", "--force", "--detach", found)
    if source.submodules:
        git.run("remote", "add", "origin", source.address.url)  # what relative addresses of submodules are relative to
        git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
    return git.run("rev-parse", "--verify", "HEAD")


def _fetch(git: _Git, source: GitSource, deadline: float, sleep: Callable[[float], None]) -> str:
    """Fetches the commit; what `checkout` takes for it."""
    try:
        _retry(lambda: git.run(*build_fetch(source)), source, deadline, sleep)
        return "refs/towpath/fetched"
    except _GitError as error:
        if source.reference is None or not is_commit(source.reference):
            raise
        if not judge_complaint(source, error.said).missing:
            raise
    _retry(lambda: git.run(*build_full_fetch(source)), source, deadline, sleep)
    try:
        return git.run("rev-parse", "--verify", "--quiet", f"{source.reference}^{{commit}}")
    except _GitError:
        raise _GitError("couldn't find remote ref") from None


def _retry(run: Callable[[], object], source: GitSource, deadline: float, sleep: Callable[[float], None]) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            run()
        except _GitError as error:
            complaint = judge_complaint(source, error.said)
            if not complaint.retryable or attempt == TRIES or time.monotonic() + _PAUSE * attempt > deadline:
                raise
            logger.warning("%s: trying again.", _capitalize(complaint.text))
            sleep(_PAUSE * attempt)
        else:
            return


def _copy(checkout: Path, path: str, folder: Path, source: GitSource, commit: str, *, with_history: bool) -> None:
    wanted = checkout / path if path else checkout
    shown = f"{source.address.url} at {source.reference or 'its main branch'} ({commit[:12]})"
    if not wanted.resolve().is_relative_to(checkout.resolve()):
        raise StorageError(f"path: {path!r} in {shown} is a link that leads out of the repository.")
    if not wanted.is_dir():
        what = "is a file, not a folder" if wanted.exists() else "does not exist"
        raise StorageError(f"path: {path!r} {what} in {shown}.")
    copy_tree(wanted, folder, leave_out=() if with_history and not path else (".git",))


@contextmanager
def _private_folder(source: GitSource) -> Generator[Path]:
    """A folder that only this user can read, with the source's secrets in files."""
    with tempfile.TemporaryDirectory(prefix="towpath-private-") as name:
        private = Path(name)
        for file, text in build_files(source).items():
            descriptor = os.open(private / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(text)
        yield private


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:] if not text.startswith(("http", "ssh")) else text
