"""Names made of contents: equal for equal sources, another for any change."""

from pathlib import Path

import pytest

from dev.cluster.hashing import content_hash, source_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("a = 1\n")
    (tmp_path / "pkg" / "b.py").write_text("b = 2\n")
    return tmp_path


def hashed(tree: Path, *texts: str) -> str:
    return content_hash(tree, source_files(tree), *texts)


def test_what_builds_and_tests_leave_changes_nothing(tree: Path) -> None:
    before = hashed(tree)
    for leftover in ("pkg/__pycache__/a.cpython-311.pyc", "dist/pkg.whl", "pkg.egg-info/PKG-INFO"):
        (tree / leftover).parent.mkdir(parents=True, exist_ok=True)
        (tree / leftover).write_text("left over")
    assert hashed(tree) == before


def test_contents_names_and_further_texts_each_count(tree: Path) -> None:
    seen = {hashed(tree), hashed(tree, "base"), hashed(tree, "ba", "se")}
    (tree / "pkg" / "a.py").write_text("a = 2\n")
    seen.add(hashed(tree))
    (tree / "pkg" / "a.py").rename(tree / "pkg" / "c.py")
    seen.add(hashed(tree))
    assert len(seen) == 5


def test_where_the_tree_lies_does_not_count(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    (elsewhere / "pkg").mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (elsewhere / "pkg" / name).write_text((tree / "pkg" / name).read_text())
    assert hashed(elsewhere) == hashed(tree)
