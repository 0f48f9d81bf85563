"""What kinds of blocks have in common, for those who write blocks of their own. None of these can be saved itself."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, BinaryIO

from towpath.blocks.core import Block

__all__ = ["CredentialsBlock", "DatabaseBlock", "NotificationBlock", "ObjectStorageBlock", "SecretBlock"]


class CredentialsBlock(Block):
    """Credentials, and a client that has them."""

    @abstractmethod
    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """A client of the service."""


class NotificationBlock(Block):
    """Reaches people. A Notification names such blocks as its channels."""

    _block_schema_capabilities = ["notify"]

    @abstractmethod
    def notify(self, body: str, subject: str | None = None) -> None:
        """Sends a message."""


class SecretBlock(Block):
    """A secret that is kept elsewhere, as in a cloud's secret manager."""

    @abstractmethod
    def read_secret(self) -> bytes:
        """The secret."""

    @abstractmethod
    def write_secret(self, secret_data: bytes) -> str:
        """Replaces the secret. Returns its name there."""


class DatabaseBlock(Block):
    """A database."""

    @abstractmethod
    def fetch_one(self, operation: str, parameters: Any = None, **options: Any) -> Any:
        """The first row of a query; None when there is none."""

    @abstractmethod
    def fetch_many(self, operation: str, parameters: Any = None, size: int | None = None, **options: Any) -> Any:
        """The next `size` rows of a query."""

    @abstractmethod
    def fetch_all(self, operation: str, parameters: Any = None, **options: Any) -> Any:
        """All rows of a query."""

    @abstractmethod
    def execute(self, operation: str, parameters: Any = None, **options: Any) -> None:
        """Runs a statement that returns nothing."""

    @abstractmethod
    def execute_many(self, operation: str, seq_of_parameters: Any, **options: Any) -> None:
        """Runs a statement once for each set of parameters."""


class ObjectStorageBlock(Block):
    """A bucket. Paths are relative to the block's folder in it, with `/` between their parts."""

    @abstractmethod
    def download_object_to_path(self, from_path: str, to_path: str | Path, **options: Any) -> Path:
        """Writes an object to a file. Returns the file's path."""

    @abstractmethod
    def download_object_to_file_object(self, from_path: str, to_file_object: BinaryIO, **options: Any) -> BinaryIO:
        """Writes an object to an open file, which it returns."""

    @abstractmethod
    def download_folder_to_path(self, from_folder: str, to_folder: str | Path, **options: Any) -> Path:
        """Writes the objects below a folder to files. Returns the files' folder."""

    @abstractmethod
    def upload_from_path(self, from_path: str | Path, to_path: str | None = None, **options: Any) -> str:
        """Makes an object of a file. Returns the object's path."""

    @abstractmethod
    def upload_from_file_object(self, from_file_object: BinaryIO, to_path: str, **options: Any) -> str:
        """Makes an object of an open file. Returns the object's path."""

    @abstractmethod
    def upload_from_folder(self, from_folder: str | Path, to_folder: str | None = None, **options: Any) -> str:
        """Makes objects of the files below a folder. Returns the folder that the objects are in."""
