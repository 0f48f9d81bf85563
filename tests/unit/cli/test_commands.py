"""The command line: what it prints, what it refuses, and what it loads."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from towpath import __version__
from towpath.cli import run_guarded
from towpath.cli.deployments import parse_start
from towpath.cli.output import as_text, describe_time, find_value, print_table
from towpath.cli.parameters import parse_parameters
from towpath.cli.registry import COMMANDS
from towpath.errors import TowpathError
from towpath.profiles import read_profiles
from towpath.settings import forget_settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A home without settings."""
    for variable in ("TOWPATH_API_URL", "TOWPATH_PROFILE", "TOWPATH_API_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.setenv("TOWPATH_LOCAL_SERVER", "false")
    forget_settings()
    yield tmp_path
    forget_settings()


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Runs a command in this process; what it prints, errors included."""
    forget_settings()
    assert run_guarded(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_config_set_and_unset_say_what_they_did(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    said = run(capsys, "config", "set", "TOWPATH_API_URL=http://127.0.0.1:4200/api")
    assert said == "Set 'TOWPATH_API_URL' to 'http://127.0.0.1:4200/api'.\nUpdated profile 'default'.\n"
    assert read_profiles(home).values["default"] == {"TOWPATH_API_URL": "http://127.0.0.1:4200/api"}
    assert run(capsys, "config", "unset", "TOWPATH_API_URL") == (
        "Unset 'TOWPATH_API_URL'.\nUpdated profile 'default'.\n"
    )
    assert read_profiles(home).values["default"] == {}


def test_config_view_shows_where_each_value_comes_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    run(capsys, "config", "set", "TOWPATH_API_URL=http://h/api", "TOWPATH_API_TOKEN=hush")
    monkeypatch.setenv("TOWPATH_LOGGING_LEVEL", "DEBUG")
    said = run(capsys, "config", "view")
    assert "TOWPATH_PROFILE='default'" in said
    assert f"TOWPATH_HOME='{home}' (from environment)" in said
    assert "TOWPATH_API_URL='http://h/api' (from profile)" in said
    assert "TOWPATH_LOGGING_LEVEL='DEBUG' (from environment)" in said
    assert "TOWPATH_FLUSH_TIMEOUT='900' (from defaults)" in said
    assert "hush" not in said
    assert "hush" in run(capsys, "config", "view", "--show-secrets")
    assert "FLUSH_TIMEOUT" not in run(capsys, "config", "view", "--no-show-defaults")
    document = json.loads(run(capsys, "config", "view", "-o", "json"))
    assert document["settings"]["TOWPATH_API_URL"] == {"value": "http://h/api", "from": "profile 'default'"}


def test_a_value_that_the_environment_overrides_is_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_LOGGING_LEVEL", "DEBUG")
    assert "also set in the environment" in run(capsys, "config", "set", "TOWPATH_LOGGING_LEVEL=ERROR")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["config", "set", "TOWPATH_API_URL"], "write it as NAME=VALUE"),
        (["config", "set", "TOWPATH_NONE=1"], "'TOWPATH_NONE' is not a setting"),
        (["config", "set", "TOWPATH_API_URL=here"], "TOWPATH_API_URL (given here): 'here' is not right"),
        (["config", "set", "TOWPATH_HOME=/x"], "only the environment can set it"),
        (["config", "unset", "TOWPATH_API_URL"], "is not set in profile 'default'"),
        (["profile", "use", "x"], "There is no profile 'x'"),
        (["profile", "create", "a/b"], "is no name for a profile"),
        (["profile", "create", "a", "--from", "b"], "no profile 'b' to copy"),
        (["flow", "ls"], "No API is set"),
        (["flow-run", "inspect", "abc"], "No API is set"),
        (["agent", "start", "-q", "night", "--prefetch-seconds", "10"], "No API is set"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], home: Path, arguments: list[str], said: str
) -> None:
    output = run(capsys, *arguments, code=1)
    assert said in output
    assert output.startswith("Error: ")
    assert output.count("\n") == 1
    assert not (home / "profiles.toml").exists(), "nothing is half written"


def test_profiles_are_made_listed_and_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "config", "set", "TOWPATH_LOGGING_LEVEL=ERROR")
    assert "Created profile 'work'." in run(capsys, "profile", "create", "work", "--from", "default")
    assert run(capsys, "profile", "ls") == "* default\n  work\n"
    assert run(capsys, "profile", "use", "work") == "Profile 'work' is now active.\n"
    assert json.loads(run(capsys, "profile", "ls", "-o", "json"))[1] == {"name": "work", "active": True}
    assert "TOWPATH_LOGGING_LEVEL='ERROR' (from profile)" in run(capsys, "config", "view")
    assert "already" in run(capsys, "profile", "create", "work", code=1)


def test_version_is_the_same_with_and_without_options(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "version")
    assert f"Version:    {__version__}" in said
    assert run(capsys, "--version") == said
    assert run(capsys, "version", "--output", "table") == said
    assert json.loads(run(capsys, "version", "-o", "json"))["version"] == __version__


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such command" in run(capsys, "nonsense", code=2)
    assert "No such option" in run(capsys, "flow", "ls", "--nonsense", code=2)


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "--help")
    for name in COMMANDS:
        assert name in said
        assert "Usage" in run(capsys, name, "--help")


def test_a_command_of_an_extra_that_is_missing_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(**_: str) -> list[EntryPoint]:
        return []

    monkeypatch.setattr("towpath.cli.application.entry_points", none)
    for arguments in (["server", "start", "--port", "1"], ["server"], ["server", "--help"]):
        assert "pip install 'towpath[server]'" in run(capsys, *arguments, code=1)


def test_a_command_of_another_distribution_that_cannot_be_loaded_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = EntryPoint("extra", "no_such_module_here:app", "towpath.commands")

    def one(**_: str) -> list[EntryPoint]:
        return [broken]

    monkeypatch.setattr("towpath.cli.application.entry_points", one)
    assert "The command 'extra'" in run(capsys, "extra", code=1)


def test_version_loads_neither_typer_nor_pydantic(tmp_path: Path) -> None:
    program = (
        "import sys; from towpath.cli import run_guarded; run_guarded(['version']); "
        "print([name for name in ('typer', 'pydantic', 'rich', 'http.client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_parameters_are_json_or_text_and_single_ones_win() -> None:
    given = parse_parameters('{"a": 1, "b": 2}', ["b=3", "c=text", 'd=[1, "x"]', "e=a=b"])
    assert given == {"a": 1, "b": 3, "c": "text", "d": [1, "x"], "e": "a=b"}
    for document, assignments in (("[1]", []), ("{", []), (None, ["x"]), (None, ["=x"])):
        with pytest.raises(TowpathError):
            parse_parameters(document, assignments)


def test_a_start_is_given_by_a_duration_or_a_time() -> None:
    assert parse_start(None, None, NOW) is None
    assert parse_start("1h30m", None, NOW) == NOW + timedelta(hours=1, minutes=30)
    assert parse_start(None, "2026-05-01T08:00+02:00", NOW) == datetime(2026, 5, 1, 6, tzinfo=UTC)
    for start_in, start_at in (("soon", None), (None, "tomorrow"), ("1h", "2026-05-01")):
        with pytest.raises(TowpathError, match="--start-"):
            parse_start(start_in, start_at, NOW)


def test_cells_say_things_as_people_do() -> None:
    assert describe_time(NOW - timedelta(minutes=5), NOW) == "5m ago"
    assert describe_time(NOW + timedelta(days=2, hours=1), NOW) == "in 2d"
    assert describe_time(NOW, NOW) == "0s ago"
    assert [as_text(value) for value in (None, True, ["a", 1], 3)] == ["", "yes", "a, 1", "3"]
    shelf = SimpleNamespace(owner=None, books=[SimpleNamespace(title="A"), SimpleNamespace(title="B")])
    assert find_value(shelf, "owner.name") is None
    assert find_value(shelf, "books.title") == ["A", "B"]


def test_on_a_narrow_terminal_what_is_typed_again_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")  # no colours
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run_id = "01a210b2-f7a4-7d7e-8a8b-0123456789ab"
    row = [run_id, "water-levels", "cooperative-peacock", "InfrastructurePending", "5m ago", ""]
    print_table(["ID", "Flow", "Name", "State", "Created", "Waits for"], [row])
    shown = capsys.readouterr().out
    assert run_id in shown
    assert "Waits" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
