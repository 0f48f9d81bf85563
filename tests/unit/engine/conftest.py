"""Each test has a home of its own and a teller that records."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engine.recording import Recording
from towpath.settings import forget_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    monkeypatch.setenv("TOWPATH_HOME", str(folder))
    monkeypatch.delenv("TOWPATH_API_URL", raising=False)
    forget_settings()
    yield folder
    forget_settings()


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Recording:
    recording = Recording()
    monkeypatch.setattr("towpath.client.telling.open_teller", recording.open)
    return recording
