"""Runs in several processes tell a real HTTP server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.event_sink import EventSink
from towpath.client.telling import flush_all
from towpath.settings import forget_settings

# Ray's workers use this Python: started by `uv run`, Ray would build an environment for each. Read when Ray is imported.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventSink]:
    with EventSink() as sink:
        monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TOWPATH_API_URL", sink.url)
        monkeypatch.setenv("TOWPATH_EXIT_TIMEOUT", "60")  # what a process has told is there once it has ended
        forget_settings()
        yield sink
        flush_all()
        forget_settings()
