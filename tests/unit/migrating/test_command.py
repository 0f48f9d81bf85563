"""`towpath migrate`: which files it takes, what it shows, and that a file is written whole or not at all."""

import stat
import sys
from pathlib import Path

import pytest

from towpath.cli import run_guarded

FLOW = "from prefect import flow, variables\n\n@flow\ndef f(): ...\n"
DEPLOYMENT = "name: dev\nflow_name: f\nentrypoint: flows.py:f\nwork_queue_name: test\nschedule: {cron: '0 0 * * *'}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of Prefect's, and others."""
    for name, text in {
        "flows.py": FLOW,
        "f-deployment.yaml": DEPLOYMENT,
        "plain.py": "x = 1\n",
        "other.yaml": "a: 1\n",
        "README.md": "prefect",
        ".prefectignore": "*.csv",
        ".hidden/flows.py": FLOW,
        "env/pyvenv.cfg": "",
        "env/flows.py": FLOW,
        "deep/er/flows.py": FLOW,
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_a_folder_is_migrated_in_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(project)
    assert run_guarded(["migrate", "."]) == 0
    said = capsys.readouterr().out
    after = texts(project)
    assert {name for name in before if before[name] != after[name]} == {
        "flows.py",
        "f-deployment.yaml",
        "deep/er/flows.py",
    }
    assert after.keys() == before.keys(), "no draft is left behind"
    assert after["flows.py"].startswith("from towpath import flow\nfrom prefect import variables\n")
    assert "kind: Deployment" in after["f-deployment.yaml"]
    assert "Migrated flows.py" in said and "flows.py:1: `variables` of prefect is not in Towpath" in said
    assert ".prefectignore: rename it to .towpathignore: its rules are the same." in said
    assert "3 of 6 files changed; 3 things are left to look at." in said
    assert run_guarded(["migrate", "f-deployment.yaml", "plain.py"]) == 0
    assert "0 of 2 files changed; 0 things are left to look at." in capsys.readouterr().out


def test_a_difference_is_shown_and_nothing_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(project)
    assert run_guarded(["migrate", "--diff", "flows.py"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "--- flows.py\n+++ flows.py\n@@ -1,4 +1,5 @@\n-from prefect import flow, variables\n"
        "+from towpath import flow\n+from prefect import variables\n \n @flow\n def f(): ...\n"
    )
    assert "Would migrate flows.py" in captured.err
    assert run_guarded(["migrate", "--dry-run", "."]) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and "3 of 6 files would change" in captured.err
    assert texts(project) == before


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("bad.py", "from prefect import flow\ndef (:\n", "bad.py, line 2: this is not Python"),
        ("bad.yaml", "a: [1\n", "this is not YAML"),
        ("bad-deployment.yaml", DEPLOYMENT.replace("0 0 * * *", "nonsense"), "bad-deployment.yaml cannot be migrated"),
        ("bad.toml", "", "is neither Python nor YAML"),
        ("missing.py", None, "There is no file missing.py."),
    ],
)
def test_one_bad_file_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str], file: str, text: str | None, said: str
) -> None:
    if text is not None:
        (project / file).write_text(text)
    before = texts(project)
    assert run_guarded(["migrate", "flows.py", file]) == 1
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1
    assert texts(project) == before


def test_bytes_that_are_no_text_are_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nfrom prefect import flow  # \xe4\n")
    assert run_guarded(["migrate", "latin.py"]) == 1
    assert "latin.py is not UTF-8 text" in capsys.readouterr().err


def test_permissions_stay_and_behind_a_link_the_file_is_replaced(project: Path) -> None:
    file, link = project / "flows.py", project / "link.py"
    file.chmod(0o754)
    link.symlink_to(file)
    assert run_guarded(["migrate", "link.py"]) == 0
    assert link.is_symlink() and file.read_text().startswith("from towpath")
    assert stat.S_IMODE(file.stat().st_mode) == 0o754


def test_without_the_extra_it_says_what_to_install(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "libcst", None)
    monkeypatch.delitem(sys.modules, "towpath.migrating.code", raising=False)
    assert run_guarded(["migrate", "flows.py"]) == 1
    assert "pip install 'towpath[migrate]'" in capsys.readouterr().err
    assert (project / "flows.py").read_text() == FLOW
