"""Commands run in this process, against a server of their own."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.support.server_process import ServerProcess
from towpath.cli import run_guarded
from towpath.settings import forget_settings

Towpath = Callable[..., str]


@pytest.fixture
def towpath(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Generator[Towpath]:
    """Runs a command; what it prints."""
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.setenv("TOWPATH_API_URL", server.url)
    forget_settings()

    def run(*arguments: str, code: int = 0) -> str:
        assert run_guarded(list(arguments)) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    yield run
    forget_settings()
