"""An API for each test, on its own copy of an empty database."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.api import Api, make_template, open_api


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("template") / "empty.db"))


@pytest.fixture
async def api(template: Path, tmp_path: Path) -> AsyncGenerator[Api]:
    """An API that trusts loopback."""
    async with open_api(template, tmp_path) as opened:
        yield opened
