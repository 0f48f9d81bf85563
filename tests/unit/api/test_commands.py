"""`towpath server database`: upgrade, downgrade, reset."""

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from towpath_operator.store.migrate import newest_revision
from towpath_operator.wiring.commands import server
from towpath_operator.wiring.settings import ServerSettings, normalize_database_url


def run(*arguments: str, says: str | None = None) -> str:
    result = CliRunner().invoke(server, ["database", *arguments], input=says)
    return f"{result.exit_code} {result.output}"


def tables(path: Path) -> int:
    connection = sqlite3.connect(path)
    (number,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    connection.close()
    return number


def test_upgrade_makes_the_schema_and_says_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    assert run("upgrade", "--database", str(path)) == f"0 Upgraded from None to {newest_revision()}.\n"
    assert run("upgrade", "--database", str(path)) == f"0 The schema is at revision {newest_revision()}.\n"


def test_downgrade_and_reset_ask_first(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    run("upgrade", "--database", str(path))
    before = tables(path)
    assert run("reset", "--database", str(path), says="n\n").startswith("1 ")
    assert run("downgrade", "0001", "--database", str(path), says="n\n").startswith("1 ")
    assert tables(path) == before
    assert "back to 0001" in run("downgrade", "0001", "--database", str(path), "--yes")
    assert f"at revision {newest_revision()}" in run("reset", "--database", str(path), "-y")
    assert tables(path) == before


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgresql://u:p@h/db", "postgresql+asyncpg://u:p@h/db"),
        ("postgres://u@h/db", "postgresql+asyncpg://u@h/db"),
        ("sqlite:////x/y.db", "sqlite+aiosqlite:////x/y.db"),
        ("/tmp/towpath-test.db", "sqlite+aiosqlite:////tmp/towpath-test.db"),  # noqa: S108 never opened
    ],
)
def test_databases_are_named_by_url_or_path(given: str, url: str) -> None:
    assert normalize_database_url(given) == url


def test_without_a_database_it_is_a_file_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
    assert normalize_database_url(None) == f"sqlite+aiosqlite:///{tmp_path}/home/towpath.db"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_DATABASE_URL", "postgresql://h/db")
    monkeypatch.setenv("TOWPATH_SERVER_PORT", "1234")
    monkeypatch.setenv("TOWPATH_API_TOKEN", "sesame")
    settings = ServerSettings()
    assert (settings.database_url, settings.port) == ("postgresql://h/db", 1234)
    assert "sesame" not in repr(settings)
