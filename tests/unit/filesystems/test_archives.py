"""Archives are unpacked so that nothing lands outside."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from towpath.errors import StorageError
from towpath.filesystems import archives
from towpath.filesystems.archives import unpack_archive


def make_tar(*members: tuple[str, bytes | str, bytes]) -> bytes:
    """A tar of (name, type or link target, content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(kind, str):
                info.type, info.linkname = tarfile.SYMTYPE, kind
            else:
                info.type, info.size = kind, len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def make_zip(*members: tuple[str, int, bytes]) -> bytes:
    """A zip of (name, unix mode, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def test_files_are_unpacked(tmp_path: Path) -> None:
    data = make_tar(("flows", tarfile.DIRTYPE, b""), ("flows/etl.py", tarfile.REGTYPE, b"etl"))
    assert unpack_archive("code.tar.gz", data, tmp_path / "tar") == 1
    assert (
        unpack_archive(
            "code.zip", make_zip(("flows/", 0o40755, b""), ("flows/etl.py", 0o644, b"etl")), tmp_path / "zip"
        )
        == 1
    )
    for kind in ("tar", "zip"):
        assert (tmp_path / kind / "flows" / "etl.py").read_bytes() == b"etl"


@pytest.mark.parametrize(
    "data",
    [
        make_tar(("../evil", tarfile.REGTYPE, b"x")),
        make_tar(("a/../../evil", tarfile.REGTYPE, b"x")),
        make_tar(("link", "..", b""), ("link/evil", tarfile.REGTYPE, b"x")),
        make_tar(("evil", tarfile.FIFOTYPE, b"")),
        make_tar(("evil", tarfile.LNKTYPE, b"")),
        make_tar(("evil", tarfile.CHRTYPE, b"")),
        b"no archive",
    ],
    ids=["above", "above in the middle", "through a link", "pipe", "hard link", "device", "no archive"],
)
def test_a_tar_that_leads_out_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"code\.tar\.gz cannot be unpacked"):
        unpack_archive("code.tar.gz", data, tmp_path / "code")
    assert not (tmp_path / "evil").exists()


def test_an_absolute_name_in_a_tar_stays_within(tmp_path: Path) -> None:
    unpack_archive("code.tar.gz", make_tar(("/evil", tarfile.REGTYPE, b"x")), tmp_path / "code")
    assert (tmp_path / "code" / "evil").exists()


@pytest.mark.parametrize(
    "data",
    [
        make_zip(("../evil", 0o644, b"x")),
        make_zip(("/evil", 0o644, b"x")),
        make_zip(("a\\..\\evil", 0o644, b"x")),
        make_zip(("link", 0o120777, b"..")),
        b"no archive",
    ],
)
def test_a_zip_that_leads_out_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"code\.zip cannot be unpacked"):
        unpack_archive("code.zip", data, tmp_path / "code")
    assert not (tmp_path / "evil").exists()


def test_what_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    for name, data in (
        ("code.tar.gz", make_tar(("big", tarfile.REGTYPE, bytes(2000)))),
        ("code.zip", make_zip(("big", 0o644, bytes(2000)))),
    ):
        with pytest.raises(StorageError, match="is not unpacked"):
            unpack_archive(name, data, tmp_path / "code")
