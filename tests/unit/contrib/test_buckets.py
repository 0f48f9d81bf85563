"""Buckets of every cloud: where objects are written, whatever they are called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pandas
import pytest

from towpath.contrib.buckets import Bucket
from towpath.errors import StorageError
from towpath.filesystems.code import fetch_from


class MemoryObjects:
    """Objects in memory."""

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.kept = kept

    def list(self, path: str) -> Iterator[str]:
        yield from (name for name in self.kept if name.startswith(path))

    def read(self, path: str) -> bytes:
        return self.kept[path]

    def write(self, path: str, content: bytes) -> None:
        self.kept[path] = content

    def download(self, path: str, target: BinaryIO) -> None:
        if path not in self.kept:
            raise StorageError(f"There is no {path}.")
        target.write(self.kept[path])

    def upload(self, path: str, source: BinaryIO) -> None:
        self.kept[path] = source.read()

    def locate(self, path: str) -> str:
        return f"memory://b/{path}" if path else "memory://b"


class MemoryBucket(Bucket):
    """A bucket in memory."""

    _is_abstract_block: ClassVar[bool] = True
    kept: dict[str, bytes] = {}

    def open_files(self) -> Any:
        return MemoryObjects(self.kept)


@pytest.mark.parametrize("name", ["data/../../evil", "data/../x", "data//../../evil", "data/a/../../../evil"])
def test_objects_are_written_nowhere_else(tmp_path: Path, name: str) -> None:
    bucket = MemoryBucket(kept={name: b"x", "data/fine": b"y"})
    with pytest.raises(StorageError, match="leads out"):
        bucket.download_folder_to_path("data", tmp_path / "out")
    with pytest.raises(StorageError, match="leads out"):
        bucket.get_directory("data", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_folder_is_not_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out"):
        MemoryBucket(kept={"link/x": b"x"}).get_directory(local_path=tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_folders_that_tools_keep_as_objects_are_left_out(tmp_path: Path) -> None:
    bucket = MemoryBucket(kept={"data/": b"", "data/a": b"x", "database": b"y"})
    assert bucket.get_directory("data", tmp_path) == [tmp_path / "data/a"]


def test_half_of_an_object_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("before")

    def fail(_: Any, path: str, target: BinaryIO) -> None:
        target.write(b"half")
        raise StorageError("the line was cut")

    monkeypatch.setattr(MemoryObjects, "download", fail)
    with pytest.raises(StorageError, match="cut"):
        MemoryBucket(kept={"x": b"whole"}).download_object_to_path("x", tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "before"


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("csv", ".csv"),
        ("csv_gzip", ".csv.gz"),
        ("parquet", ".parquet"),
        ("parquet_snappy", ".snappy.parquet"),
        ("parquet_gzip", ".gz.parquet"),
    ],
)
def test_data_frames_are_written_in_every_format(kind: str, ending: str, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"trip": [1, 2], "color": ["green", "yellow"]})
    bucket = MemoryBucket(bucket_folder="lake")
    objects = bucket.open_files()
    assert bucket.upload_from_dataframe(frame, "trips", kind) == f"lake/trips{ending}"
    file = bucket.download_object_to_path(f"trips{ending}", tmp_path / f"trips{ending}")
    read: Any = pandas.read_csv if kind.startswith("csv") else pandas.read_parquet
    assert read(file).equals(frame)
    assert list(objects.kept) == [f"trips{ending}"]
    with pytest.raises(StorageError, match="parquet_snappy"):
        bucket.upload_from_dataframe(frame, "trips", "excel")


def test_code_in_a_bucket_lies_where_its_entrypoint_says(tmp_path: Path) -> None:
    bucket = MemoryBucket(kept={"flows/etl.py": b"x", "flows/lib/helpers.py": b"y", "other.py": b"z"})
    assert fetch_from(bucket, "flows", tmp_path / "code") == "memory://b/flows"
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")) == [
        "code/etl.py",
        "code/lib/helpers.py",
    ]
    fetch_from(bucket, "", tmp_path / "all")
    assert (tmp_path / "all/other.py").exists()
    with pytest.raises(StorageError, match="nothing"):
        fetch_from(bucket, "nothing", tmp_path / "none")
