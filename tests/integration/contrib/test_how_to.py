"""docs/how-to/buckets-and-databases.md, command by command, with real servers where the page has addresses."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.integration.local.test_tutorial import Walk
from tests.support.gcs_server import run_gcs_server
from tests.support.postgres import USER, run_postgres
from tests.support.s3_server import run_s3_server
from tests.support.walkthrough import read_page

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "buckets-and-databases.md"
DATABASE = f"postgresql+psycopg://{USER}@127.0.0.1:5432/warehouse"
S3 = "http://127.0.0.1:9000"
BUCKET = "taxi-rides"


@pytest.fixture
def walk(tmp_path: Path) -> Generator[Walk]:
    walk = Walk(tmp_path)
    yield walk
    walk.close_terminals()


def test_the_page_goes_as_it_says(walk: Walk, tmp_path: Path) -> None:
    text = PAGE.read_text()
    assert all(address in text for address in (DATABASE, S3, BUCKET))
    with run_s3_server() as s3, run_gcs_server() as gcs, run_postgres() as postgres:
        s3.make_bucket(BUCKET)
        gcs.make_bucket(BUCKET)
        database = postgres.url(asyncio.run(postgres.create())).replace("asyncpg", "psycopg")
        page = tmp_path / "page.md"
        page.write_text(text.replace(DATABASE, database).replace(S3, s3.url))
        walk.set_variable("STORAGE_EMULATOR_HOST", gcs.url)
        for step in read_page(page):
            walk.take(step)
