"""What buckets of every cloud have in common: objects to files and back. Called by `aws` and `gcp`, which open the bucket.

Objects are named by paths below the block's `bucket_folder`, with `/` between their parts; none leads out of it, and no object is
written outside the folder that it is downloaded to, whatever it is called.
"""

import io
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final, Protocol

from pydantic import Field, field_validator

from towpath.blocks.abstract import ObjectStorageBlock
from towpath.blocks.calling import async_compatible
from towpath.errors import StorageError
from towpath.filesystems.base import FileSystem, as_value_error, to_inner
from towpath.filesystems.checking import check_path, join_paths
from towpath.filesystems.ignoring import list_tree, parse_ignores
from towpath.filesystems.objects import Files
from towpath.filesystems.transferring import upload


class Objects(Files, Protocol):
    """Objects of a bucket, whole or as streams. Every method raises StorageError."""

    def download(self, path: str, target: BinaryIO) -> None:
        """Writes an object's content."""
        ...

    def upload(self, path: str, source: BinaryIO) -> None:
        """Makes or replaces an object."""
        ...


class Bucket(FileSystem, ObjectStorageBlock):
    """A bucket of any cloud."""

    _is_abstract_block: ClassVar[bool] = True

    bucket_folder: str = Field(default="", description="A folder of the bucket that all paths are below.")

    @field_validator("bucket_folder")
    @classmethod
    def _is_folder(cls, value: str) -> str:
        return as_value_error(check_path, value.strip("/"))

    @property
    def basepath(self) -> str:
        """The folder that all paths are below."""
        return self.bucket_folder

    @abstractmethod
    def open_files(self) -> Objects:
        """The objects below the folder.

        Raises:
            StorageError: what this needs is not installed, or the credentials cannot be had.
        """

    # Objects to files

    @async_compatible
    def download_object_to_path(self, from_path: str, to_path: str | Path | None = None, **options: Any) -> Path:
        """Writes an object to a file, whose folders are made.

        Args:
            to_path: the file; None for one of the object's name in the current folder.

        Returns:
            The file's path.

        Raises:
            StorageError: there is no such object, or it cannot be read or written.
        """
        objects = self.open_files()
        inner = to_inner(objects, str(from_path))
        target = Path(to_path).expanduser() if to_path is not None else Path(inner.rpartition("/")[2])
        _download(objects, inner, target)
        return target

    @async_compatible
    def download_object_to_file_object(self, from_path: str, to_file_object: BinaryIO, **options: Any) -> BinaryIO:
        """Writes an object to an open binary file, which is returned.

        Raises:
            StorageError: there is no such object, or it cannot be read.
        """
        objects = self.open_files()
        objects.download(to_inner(objects, str(from_path)), to_file_object)
        return to_file_object

    @async_compatible
    def download_folder_to_path(self, from_folder: str, to_folder: str | Path | None = None, **options: Any) -> Path:
        """Writes the objects below a folder to files, by their paths below it.

        Args:
            to_folder: where; None for the current folder.

        Returns:
            The files' folder.

        Raises:
            StorageError: there are none, or one cannot be read or written.
        """
        folder = Path(to_folder).expanduser() if to_folder is not None else Path()
        objects = self.open_files()
        inner = to_inner(objects, str(from_folder))
        _download_all(objects, inner, folder, inner)
        return folder

    @async_compatible
    def get_directory(  # pyright: ignore[reportIncompatibleMethodOverride] lists what came, as Prefect's blocks do
        self, from_path: str | None = None, local_path: str | Path | None = None
    ) -> list[Path]:
        """Writes the objects below a path, or the one of that path, to files: `local_path` joined with each object's whole path.

        So `get_directory("data/2021", "x")` makes x/data/2021/..., as flows of the course expect. For paths that begin below
        the folder use `download_folder_to_path`.

        Returns:
            The files.

        Raises:
            StorageError: there are none, or one cannot be read or written.
        """
        objects = self.open_files()
        inner = to_inner(objects, str(from_path or ""))
        return _download_all(objects, inner, Path(local_path or ".").expanduser(), "")

    # Files to objects

    @async_compatible
    def upload_from_path(self, from_path: str | Path, to_path: str | Path | None = None, **options: Any) -> str:
        """Makes an object of a file.

        Args:
            to_path: the object; None for one of the file's name.

        Returns:
            The object's path in the bucket.

        Raises:
            StorageError: the file cannot be read, or the object not written.
        """
        source = Path(from_path).expanduser()
        objects = self.open_files()
        inner = to_inner(objects, Path(to_path).as_posix() if to_path is not None else source.name)
        try:
            with source.open("rb") as opened:
                objects.upload(inner, opened)
        except StorageError:
            raise
        except OSError as error:
            raise StorageError(f"{source} cannot be read: {error.strerror}.") from error
        return join_paths(self.bucket_folder, inner)

    @async_compatible
    def upload_from_file_object(self, from_file_object: BinaryIO, to_path: str | Path, **options: Any) -> str:
        """Makes an object of an open binary file, from where it stands.

        Returns:
            The object's path in the bucket.

        Raises:
            StorageError: the object cannot be written.
        """
        objects = self.open_files()
        inner = to_inner(objects, Path(to_path).as_posix())
        objects.upload(inner, from_file_object)
        return join_paths(self.bucket_folder, inner)

    @async_compatible
    def upload_from_folder(self, from_folder: str | Path, to_folder: str | Path | None = None, **options: Any) -> str:
        """Makes objects of all files below a folder.

        Args:
            to_folder: where in the bucket; None for the block's folder.

        Returns:
            The objects' folder in the bucket.

        Raises:
            StorageError: a file cannot be read, or an object not written.
        """
        objects = self.open_files()
        inner = to_inner(objects, Path(to_folder).as_posix() if to_folder is not None else "")
        tree = list_tree(Path(from_folder).expanduser(), parse_ignores("", ""))
        upload(tree, lambda path, content: objects.upload(path, io.BytesIO(content)), inner)
        return join_paths(self.bucket_folder, inner)

    @async_compatible
    def upload_from_dataframe(
        self, df: Any, to_path: str | Path, serialization_format: str = "csv_gzip", **options: Any
    ) -> str:
        """Makes an object of a pandas data frame.

        Args:
            to_path: the object; the format's ending is added where it is missing.
            serialization_format: csv, csv_gzip, parquet, parquet_snappy or parquet_gzip.

        Returns:
            The object's path in the bucket.

        Raises:
            StorageError: there is no such format, or the object cannot be written.
        """
        name = str(getattr(serialization_format, "value", serialization_format)).lower()
        kind, ending, compression = _FRAMES.get(name, ("", "", None))
        if not kind:
            raise StorageError(f"There is no format {name!r} for data frames: use one of {', '.join(_FRAMES)}.")
        content = io.BytesIO()
        write: Any = df.to_csv if kind == "csv" else df.to_parquet
        write(content, index=False, compression=compression)
        content.seek(0)
        path = Path(to_path).as_posix()
        objects = self.open_files()
        inner = to_inner(objects, path if path.endswith(ending) else f"{path}{ending}")
        objects.upload(inner, content)
        return join_paths(self.bucket_folder, inner)


_FRAMES: Final[Mapping[str, tuple[str, str, str | None]]] = {
    "csv": ("csv", ".csv", None),
    "csv_gzip": ("csv", ".csv.gz", "gzip"),
    "parquet": ("parquet", ".parquet", None),
    "parquet_snappy": ("parquet", ".snappy.parquet", "snappy"),
    "parquet_gzip": ("parquet", ".gz.parquet", "gzip"),
}
"""How data frames are written: pandas' method, the ending, the compression."""


def _download_all(objects: Objects, path: str, folder: Path, stem: str) -> list[Path]:
    """Writes the objects at or below `path` to files named by what follows `stem`. Returns the files."""
    root = folder.resolve()
    names = list(_find(objects, path)) or ([path] if path else [])  # that one object, which some list not below itself
    files = [(name, _locate(objects, name, root, stem)) for name in names]
    if not files:
        raise StorageError(f"There are no objects below {objects.locate(path)}.")
    for name, target in files:
        _download(objects, name, target)
    return [target for _, target in files]


def _find(objects: Objects, path: str) -> Iterator[str]:
    """The objects at or below a path; not the folders that some tools keep as empty objects."""
    for name in objects.list(path):
        is_within = not path or name == path or name.startswith(f"{path}/")
        if is_within and name and not name.endswith("/"):
            yield name


def _locate(objects: Objects, name: str, root: Path, stem: str) -> Path:
    relative = name.removeprefix(stem).lstrip("/") or name.rpartition("/")[2]
    target = (root / relative).resolve()
    if ".." in relative.split("/") or not target.is_relative_to(root):
        raise StorageError(f"{objects.locate(name)} leads out of the folder that it would be written to.")
    return target


def _download(objects: Objects, path: str, target: Path) -> None:
    """Writes an object beside its file first, so that no half of it is ever taken for the whole."""
    draft = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as opened:
                objects.download(path, opened)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except StorageError:
        raise  # one of them is an OSError, and says already what is not there
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}.") from error
