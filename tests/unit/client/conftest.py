"""A home and settings of their own for each test of telling, and events to tell."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from towpath.settings import Settings, overriding_settings

Using = Callable[..., AbstractContextManager[Settings]]


def log(message: object, **more: Any) -> dict[str, Any]:
    return {
        "kind": "log",
        "flow_run_id": "f" * 36,
        "level": 20,
        "logger": "x",
        "message": str(message),
        "time": 1,
        **more,
    }


@pytest.fixture
def using(tmp_path: Path) -> Generator[Using]:
    """Settings with a home of the test's own and a short flush interval."""

    def use(**fields: Any) -> AbstractContextManager[Settings]:
        return overriding_settings(**{"home": tmp_path, "flush_interval": 0.01, "api_url": None, **fields})

    yield use
