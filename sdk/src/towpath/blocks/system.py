"""Blocks that hold one value: a secret, a text, a time, JSON."""

from typing import Any

from pydantic import AwareDatetime, Field, SecretStr

from towpath.blocks.core import Block

__all__ = ["JSON", "DateTime", "Secret", "String"]


class Secret(Block):
    """A secret text, as a password or a token. Whoever prints the block sees asterisks.

    Example:
        ```python
        from towpath.blocks.system import Secret

        token = Secret.load("warehouse-token").get()
        ```
    """

    value: SecretStr = Field(description="The secret.")

    def get(self) -> str:
        """The secret in the clear."""
        return self.value.get_secret_value()


class String(Block):
    """A text.

    Example:
        ```python
        from towpath.blocks.system import String

        bucket = String.load("bucket-name").value
        ```
    """

    value: str = Field(description="The text.")


class DateTime(Block):
    """A moment, with its time zone.

    Example:
        ```python
        from towpath.blocks.system import DateTime

        since = DateTime.load("last-import").value
        ```
    """

    _block_type_name = "Date Time"

    value: AwareDatetime = Field(description="The moment, as 2026-11-24T12:00:00Z.")


class JSON(Block):
    """Anything that JSON can say.

    Example:
        ```python
        from towpath.blocks.system import JSON

        columns = JSON.load("columns").value
        ```
    """

    value: Any = Field(description="An object, a list, a text, a number, true, false or null.")
