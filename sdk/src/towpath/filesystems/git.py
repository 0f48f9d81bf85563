"""The `Git` and `GitHub` blocks: code from any git host, over https or ssh. What git is run with is in `git_commands`."""

import re
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field, SecretStr, field_validator

from towpath.blocks.calling import async_compatible
from towpath.filesystems.base import CodeStorage, as_value_error
from towpath.filesystems.checking import check_path, check_reference, parse_address
from towpath.filesystems.git_commands import GitSource
from towpath.filesystems.git_fetching import fetch_repository

__all__ = ["Git", "GitHub"]

_SHORT: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


class Git(CodeStorage):
    """Code in a git repository, on any host.

    Example:
        ```python
        from towpath.filesystems import Git

        Git(repository="https://gitlab.com/team/flows.git", reference="main", access_token="glpat-...").save("flows")
        Git(repository="git@example.org:team/flows.git", ssh_key="-----BEGIN ...", known_hosts="example.org ssh-ed25519 ...")
        ```
    """

    repository: str = Field(
        description="Its address: https://host/owner/repository, or ssh://git@host/owner/repository."
    )
    reference: str | None = Field(None, description="A branch, tag or commit; the main branch if left out.")
    access_token: SecretStr | None = Field(None, description="A token or password, for https.")
    username: str = Field(
        "git",
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Sent with the token; most hosts take any.",
    )
    ssh_key: SecretStr | None = Field(None, description="A private key without a passphrase, for ssh.")
    known_hosts: str | None = Field(
        None, description="The host's ssh keys, as `ssh-keyscan` prints them; this machine's known_hosts if left out."
    )
    submodules: bool = Field(False, description="Whether submodules are fetched too.")
    include_git_objects: bool = Field(False, description="Whether git's own folder comes along.")
    timeout_seconds: float = Field(600, gt=0, le=86_400, description="How long fetching may take.")

    @field_validator("repository")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return as_value_error(parse_address, cls.to_address(value)).url

    @field_validator("reference")
    @classmethod
    def _is_reference(cls, value: str | None) -> str | None:
        return None if not value else as_value_error(check_reference, value)

    @field_validator("access_token", "ssh_key")
    @classmethod
    def _is_given(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value().strip():
            return None
        return value

    @field_validator("access_token")
    @classmethod
    def _is_one_line(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (set(value.get_secret_value().strip()) & {"\n", "\r", "\0"}):
            raise ValueError("a token is one line")
        return value

    @classmethod
    def to_address(cls, text: str) -> str:
        """The address that a user's text means."""
        return text.strip()

    @async_compatible
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> str:
        """Brings a folder of the repository (all of it) into a local one (the current one). Returns the commit.

        Raises:
            StorageError: saying which address, reference, path or right is at fault.
        """
        return fetch_repository(
            self.to_source(),
            Path(local_path or "."),
            check_path(from_path or ""),
            with_history=self.include_git_objects,
        )

    def to_source(self) -> GitSource:
        """What git is to fetch."""
        token, key = self.access_token, self.ssh_key
        return GitSource(
            parse_address(self.repository),
            self.reference,
            token=token.get_secret_value().strip() if token is not None else None,
            username=self.username,
            ssh_key=key.get_secret_value() if key is not None else None,
            known_hosts=self.known_hosts,
            submodules=self.submodules,
            timeout=self.timeout_seconds,
        )

    def locate(self, path: str = "") -> str:
        place = f"{path} in {self.repository}" if path else self.repository
        return f"{place} at {self.reference}" if self.reference is not None else place


class GitHub(Git):
    """Code in a repository on GitHub, or on another host by its whole address.

    Example:
        ```python
        from towpath.filesystems import GitHub

        GitHub(repository="owner/flows", reference="main", access_token="ghp_...").save("dev")
        ```
    """

    _block_type_name: ClassVar[str | None] = "GitHub"

    repository: str = Field(description="owner/repository on github.com, or a whole address.")

    @classmethod
    def to_address(cls, text: str) -> str:
        given = text.strip()
        return f"https://github.com/{given}" if _SHORT.fullmatch(given) else given
