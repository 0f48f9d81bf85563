"""Unpacks archives of code so that nothing lands outside the folder meant for it. Called by `fetching`.

Links, devices, absolute names and names with `..` are refused, and so is what unpacks to far more than it is.
"""

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Final

from towpath.errors import StorageError

MOST_BYTES: Final = 1024**3
"""That an archive may unpack to."""
MOST_FILES: Final = 100_000
_TARS: Final = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")


def is_archive(path: str) -> bool:
    """Whether a path's name says that it is an archive which can be unpacked."""
    return path.lower().endswith((".zip", *_TARS))


def unpack_archive(name: str, data: bytes, folder: Path) -> int:
    """Unpacks an archive into a folder, which is made if it is missing. Returns how many files.

    Args:
        name: its name, whose end says what kind it is.

    Raises:
        StorageError: it cannot be read, or something in it must not be unpacked. What came before that is then there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if name.lower().endswith(".zip"):
            return _unpack_zip(name, data, folder)
        return _unpack_tar(name, data, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise StorageError(f"{name} cannot be unpacked: {error}.") from error


def _unpack_tar(name: str, data: bytes, folder: Path) -> int:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        count, size = 0, 0
        for member in archive:
            if not (member.isfile() or member.isdir()):
                raise StorageError(f"{name} cannot be unpacked: {member.name!r} in it is neither a file nor a folder.")
            size += member.size
            count += member.isfile()
            _check_sizes(name, count, size)
            archive.extract(member, folder, set_attrs=False, filter="data")
    return count


def _unpack_zip(name: str, data: bytes, folder: Path) -> int:
    root = folder.resolve()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        files = [member for member in members if not member.is_dir()]
        _check_sizes(name, len(files), sum(member.file_size for member in members))
        for member in members:
            mode = member.external_attr >> 16
            target = root / member.filename
            if "\\" in member.filename or not _stays_within(target, root):
                raise StorageError(f"{name} cannot be unpacked: {member.filename!r} in it leads out of it.")
            if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
                raise StorageError(
                    f"{name} cannot be unpacked: {member.filename!r} in it is neither a file nor a folder."
                )
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
    return len(files)


def _stays_within(target: Path, root: Path) -> bool:
    return ".." not in target.parts and target != root and target.resolve().is_relative_to(root)


def _check_sizes(name: str, count: int, size: int) -> None:
    if count > MOST_FILES or size > MOST_BYTES:
        raise StorageError(f"{name} is not unpacked: it holds more than {MOST_FILES} files or {MOST_BYTES >> 30} GiB.")
