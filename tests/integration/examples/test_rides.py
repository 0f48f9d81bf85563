"""examples/rides, step by step as its README says: blocks saved, code on a git host, an agent, a bucket, a warehouse, a schedule.

The git host, the bucket, the warehouse and the web are real servers of this machine.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Generator

import asyncpg
import pytest

from tests.support.agent_process import AgentProcess, environment_of, run_program, run_towpath, wait_for
from tests.support.gcs_server import GcsServer
from tests.support.git_server import GitServer
from tests.support.postgres import USER, Postgres, run_postgres
from tests.support.rides import EXAMPLE, KEPT, ROWS, TOKEN, RidesServer, rides_bucket, rides_host, rides_server
from tests.support.server_process import ServerProcess

Run = Callable[..., str]

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def web() -> Generator[RidesServer]:
    with rides_server() as server:
        yield server


@pytest.fixture(scope="module")
def gcs() -> Generator[GcsServer]:
    with rides_bucket() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Generator[tuple[Postgres, str]]:
    """A server, and a database in it."""
    with run_postgres() as server:
        yield server, asyncio.run(server.create())


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[GitServer]:
    """The git host, with the example's flows."""
    with rides_host(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="module")
def environment(server: ServerProcess, gcs: GcsServer) -> dict[str, str]:
    return environment_of(
        server.home, TOWPATH_API_URL=server.url, TOWPATH_FLUSH_INTERVAL="0.02", STORAGE_EMULATOR_HOST=gcs.url
    )


@pytest.fixture(scope="module")
def blocks(environment: dict[str, str], postgres: tuple[Postgres, str], host: GitServer) -> None:
    """`python blocks.py`, as the README says."""
    address = postgres[0].url(postgres[1]).rpartition("@")[2]
    place, _, database = address.partition("/")
    given = {
        "RIDES_BUCKET": "rides-lake",
        "WAREHOUSE_HOST": place.partition(":")[0],
        "WAREHOUSE_PORT": place.partition(":")[2],
        "WAREHOUSE_DATABASE": database,
        "WAREHOUSE_USER": USER,
        "RIDES_REPOSITORY": f"{host.url}/team/rides.git",
        "RIDES_TOKEN": TOKEN,
    }
    run_program(sys.executable, "blocks.py", environment=environment | given, folder=EXAMPLE)


@pytest.fixture(scope="module")
def agent(server: ServerProcess, gcs: GcsServer, blocks: None) -> Generator[AgentProcess]:
    agent = AgentProcess(server, server.home, "-q", "test", STORAGE_EMULATOR_HOST=gcs.url)
    yield agent
    agent.end()


@pytest.fixture(scope="module")
def run(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `towpath ...` in a copy of the example's folder; what it prints."""
    folder = tmp_path_factory.mktemp("checkout")
    for file in EXAMPLE.glob("*.py"):
        (folder / file.name).write_text(file.read_text())

    def run(*arguments: str, code: int = 0) -> str:
        said = run_towpath(*arguments, environment=environment, folder=folder, code=code, timeout=200)
        assert TOKEN not in said
        return said

    return run


def deploy(run: Run, flow: str, name: str, *options: str) -> None:
    """`deployment build` with the code on the git host, applied at once."""
    run("deployment", "build", f"{flow}.py:{flow}", "-n", name, "-q", "test", "-sb", "github/dev", "-a", *options)


def count_rows(postgres: tuple[Postgres, str]) -> dict[str, int]:
    async def count() -> dict[str, int]:
        connection = await asyncpg.connect(postgres[0].url(postgres[1]).replace("+asyncpg", ""))
        try:
            rows = await connection.fetch("SELECT name, count(*) AS rows FROM rides GROUP BY name")
        finally:
            await connection.close()
        return {row["name"]: row["rows"] for row in rows}

    return asyncio.run(count())


def test_a_web_service_is_asked_again_until_it_answers(run: Run, agent: AgentProcess, web: RidesServer) -> None:
    deploy(run, "weather", "noon")
    web.failures = 2
    said = run("deployment", "run", "weather/noon", "-p", f"address={web.url}/forecast", "--watch")
    assert "The warmest hour is 2026-01-01T12:00, with 12.5 °C." in said
    assert web.requests.count("/forecast") == 3


def test_rides_go_from_the_web_into_the_bucket_and_the_download_is_kept_there(
    run: Run, agent: AgentProcess, web: RidesServer, host: GitServer
) -> None:
    deploy(run, "web_to_bucket", "green", "-p", f"source={web.url}/rides", "-p", "color=green")
    said = run("deployment", "run", "web-to-bucket/green", "--watch")
    assert f"of {host.url}/team/rides.git" in said
    assert f"{ROWS} rides read from {web.url}/rides/green-2021-01.csv" in said
    assert f"{KEPT} rides written to rides/green-2021-01.parquet" in said
    again = run("deployment", "run", "web-to-bucket/green", "--watch")
    assert "Cached" in again
    assert "rides read from" not in again
    assert f"{KEPT} rides written to rides/green-2021-01.parquet" in again
    assert web.requests.count("/rides/green-2021-01.csv") == 1


def test_rides_go_from_the_bucket_into_the_warehouse_and_are_not_doubled(
    run: Run, agent: AgentProcess, postgres: tuple[Postgres, str]
) -> None:
    deploy(run, "bucket_to_warehouse", "green")
    for _ in range(2):
        said = run("deployment", "run", "bucket-to-warehouse/green", "--watch")
        assert f"{KEPT} rows of green-2021-01 are in the warehouse" in said
    assert count_rows(postgres) == {"green-2021-01": KEPT}


def test_months_are_subflows_and_parameters_are_checked_before_anything_runs(
    run: Run, agent: AgentProcess, web: RidesServer, postgres: tuple[Postgres, str]
) -> None:
    deploy(run, "months", "yellow", "-p", "color=yellow", "-p", f"source={web.url}/rides", "-p", "wanted=[1]")
    said = run("deployment", "run", "months/yellow", "-p", "wanted=[2, 3]", "--watch")
    assert f"{2 * KEPT} rides in 2 months" in said
    assert "Created subflow run" in said
    assert count_rows(postgres)["yellow-2021-03"] == KEPT
    assert "13" in run("deployment", "run", "months/yellow", "-p", "wanted=[13]", code=1)


def test_a_scheduled_deployment_runs_from_the_git_host(run: Run, agent: AgentProcess, web: RidesServer) -> None:
    deploy(run, "weather", "often", "--interval", "5s", "-p", f"address={web.url}/forecast")

    def find() -> list[object]:
        listed = run("flow-run", "ls", "--deployment", "weather/often", "--state", "Completed", "-o", "json")
        return [item for item in json.loads(listed) if "auto-scheduled" in item["tags"]]

    assert wait_for(find, agent.said)
    run("deployment", "pause-schedule", "weather/often")


def test_the_blocks_program_needs_its_variables(environment: dict[str, str]) -> None:
    said = run_program(sys.executable, "blocks.py", environment=environment, folder=EXAMPLE, code=1)
    assert "RIDES_BUCKET" in said
