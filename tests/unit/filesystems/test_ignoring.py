"""What of a folder is uploaded."""

from pathlib import Path

import pytest

from towpath.errors import StorageError
from towpath.filesystems.ignoring import find_ignores, list_tree, parse_ignores, read_ignores


def make(folder: Path, *files: str) -> Path:
    for name in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return folder


def test_the_rules_are_those_of_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "etl.py", "data/big.csv", "data/keep.csv", "x/cache/a", "cache.py", "x/deep/cache/b", "x/y.log")
    rules = parse_ignores("# said\ndata/*\n!data/keep.csv\ncache/\n*.log\n", "here")
    assert list_tree(tmp_path, rules).files == ["cache.py", "etl.py", "data/keep.csv"]


def test_without_a_file_the_default_rules_count(tmp_path: Path) -> None:
    make(tmp_path, "etl.py", "__pycache__/etl.pyc", ".git/config", ".env", ".env.local", ".venv/lib/x.py")
    assert list_tree(tmp_path, find_ignores(tmp_path)).files == ["etl.py"]
    (tmp_path / ".towpathignore").write_text("etl.py\n")
    assert ".env" in list_tree(tmp_path, find_ignores(tmp_path)).files


def test_links_that_lead_out_stay_behind_and_are_told(tmp_path: Path) -> None:
    make(tmp_path, "out/secret", "code/etl.py")
    code = tmp_path / "code"
    (code / "inside.py").symlink_to("etl.py")
    (code / "secret").symlink_to("../out/secret")
    (code / "folder").symlink_to("../out")
    (code / "nowhere").symlink_to("gone")
    tree = list_tree(code, parse_ignores("", "here"))
    assert tree.files == ["etl.py", "inside.py"]
    assert tree.left_out == ["folder", "nowhere", "secret"]
    assert tree.size == 2 * len("code/etl.py")


@pytest.mark.parametrize(("text", "line"), [("*.pyc\n!\n", 2), ("a\n\nb\0c\n", 3)])
def test_nonsense_in_an_ignore_file_is_said_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / ".towpathignore").write_text(text)
    with pytest.raises(StorageError, match=rf"\.towpathignore, line {line}: .* is no rule of \.gitignore"):
        find_ignores(tmp_path)


def test_an_ignore_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match="is not UTF-8 text"):
        read_ignores(tmp_path / "rules")
    with pytest.raises(StorageError, match="cannot be read: No such file"):
        read_ignores(tmp_path / "missing")
