"""The generated reference pages: every command and every setting is there, and the terminal makes no difference."""

import pytest

from dev.generate.cli_page import build_cli_files
from dev.generate.settings_page import build_settings_files, find_meaning, read_meanings
from towpath.cli.registry import COMMANDS
from towpath.settings import SETTINGS, Settings


def test_every_command_is_there_with_its_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    [page] = build_cli_files().values()
    for name, entry in COMMANDS.items():
        assert f"## towpath {name}\n\n{entry.help}" in page
    assert "### towpath artifact inspect" in page and "| `--timezone <str>` |" in page
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(build_cli_files().values()) == [page]


def test_every_setting_is_there_with_its_meaning() -> None:
    [page] = build_settings_files().values()
    for setting in SETTINGS:
        assert f"| `{setting.variable}` |" in page
    assert (
        "| `TOWPATH_SERVER_KEEP_RUNS_DAYS` | `90` | How long runs are kept after their end; 0 keeps them for ever. |"
        in page
    )
    assert "| `TOWPATH_OPERATOR_FLOW_IMAGE` | `must be set` |" in page


def test_a_setting_that_nobody_explains_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Settings\.nothing is not explained"):
        find_meaning(read_meanings(Settings), Settings, "nothing")
