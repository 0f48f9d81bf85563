"""The walk from a file to a scheduled deployment against a cluster: code from a git host, a bucket, a warehouse, in real pods.

The git host, the bucket, the web and the warehouse are servers of this machine, which pods reach at their node's address.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import asyncpg
import pytest

from tests.support.agent_process import PROGRAM, environment_of, run_program
from tests.support.cluster import ApiAccess, Namespace, find_condition, wait_for
from tests.support.forwarding import forwarding
from tests.support.gcs_server import GcsServer
from tests.support.git_server import GitServer
from tests.support.postgres import USER, Postgres, run_postgres
from tests.support.rides import EXAMPLE, KEPT, ROWS, TOKEN, RidesServer, rides_bucket, rides_host, rides_server
from tests.support.ssh_server import SshServer, ssh_server

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

IMAGE = "localhost/towpath/example-rides:dev"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def node(namespace: Namespace) -> str:
    """The address of this machine that pods reach."""
    nodes = json.loads(namespace.env.run_kubectl("get", "nodes", "-o", "json"))["items"]
    addresses = nodes[0]["status"]["addresses"]
    return next(address["address"] for address in addresses if address["type"] == "InternalIP")


@pytest.fixture(scope="module")
def web(node: str) -> Generator[RidesServer]:
    with rides_server(node) as server:
        yield server


@pytest.fixture(scope="module")
def gcs(node: str) -> Generator[GcsServer]:
    with rides_bucket(node) as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Generator[tuple[Postgres, str]]:
    """A server, and a database in it."""
    with run_postgres() as server:
        yield server, asyncio.run(server.create())


@pytest.fixture(scope="module")
def host(node: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[GitServer]:
    """The git host, with the example's flows."""
    with rides_host(tmp_path_factory.mktemp("git"), node) as server:
        yield server


@pytest.fixture(scope="module")
def ssh(node: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server", node) as server:
        yield server


@pytest.fixture(scope="module")
def environment(namespace: Namespace, gcs: GcsServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A person's, whose namespace it is."""
    return environment_of(
        tmp_path_factory.mktemp("home"),
        TOWPATH_API_TOKEN=namespace.token,
        TOWPATH_NAMESPACE=namespace.name,
        STORAGE_EMULATOR_HOST=gcs.url,
    )


@pytest.fixture(scope="module")
def run(
    namespace: Namespace, api: ApiAccess, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Runs `towpath ...` in a copy of the example's folder, told where the cluster's API is; what it prints."""
    folder = tmp_path_factory.mktemp("checkout")
    for file in EXAMPLE.glob("*.py"):
        (folder / file.name).write_text(file.read_text())

    def run(*arguments: str, code: int = 0) -> str:
        words = [*PROGRAM, *arguments] if arguments[0] != "python" else [sys.executable, *arguments[1:]]
        said = run_program(*words, environment=environment, folder=folder, code=code, timeout=300)
        assert TOKEN not in said
        return said

    said = run("config", "set", f"TOWPATH_API_URL={api.url()}/api")
    assert said == f"Set 'TOWPATH_API_URL' to '{api.url()}/api'.\nUpdated profile 'default'.\n"
    return run


@pytest.fixture(scope="module")
def blocks(
    run: Run,
    environment: dict[str, str],
    namespace: Namespace,
    node: str,
    postgres: tuple[Postgres, str],
    host: GitServer,
) -> Generator[None]:
    """`python blocks.py`, as the example's README says, and the image that the flows run in."""
    namespace.env.ensure_example_image("rides")
    place, _, database = postgres[0].url(postgres[1]).rpartition("@")[2].partition("/")
    with forwarding(node, int(place.rpartition(":")[2])) as port:
        environment |= {
            "RIDES_BUCKET": "rides-lake",
            "WAREHOUSE_HOST": node,
            "WAREHOUSE_PORT": str(port),
            "WAREHOUSE_DATABASE": database,
            "WAREHOUSE_USER": USER,
            "RIDES_REPOSITORY": f"{host.url}/team/rides.git",
            "RIDES_TOKEN": TOKEN,
        }
        run("python", "blocks.py")
        yield


def deploy(run: Run, gcs: GcsServer, flow: str, name: str, *options: str, storage: str = "github/dev") -> str:
    """`deployment build` with the code on the git host, applied at once."""
    return run(
        "deployment", "build", f"{flow}.py:{flow}", "-n", name, "-q", "test", "-sb", storage, "--skip-upload", "-a",
        "-i", "kubernetes-job", "--override", f"image={IMAGE}", "--override", "image_pull_policy=IfNotPresent",
        "--override", f"env.STORAGE_EMULATOR_HOST={gcs.url}", "-o", f"{name}.yaml", *options,
    )  # fmt: skip


def test_a_flow_goes_from_the_git_host_through_pods_into_the_bucket_and_a_second_run_takes_its_cached_step_from_there(
    run: Run, blocks: None, namespace: Namespace, gcs: GcsServer, web: RidesServer, host: GitServer
) -> None:
    said = deploy(run, gcs, "web_to_bucket", "green", "-p", f"source={web.url}/rides")
    assert "Deployment 'web-to-bucket/green' successfully created with id '" in said
    shown = namespace.kubectl("get", "fdep", "web-to-bucket.green", "--show-managed-fields", "-o", "json")
    deployment = json.loads(shown)
    assert {entry["manager"] for entry in deployment["metadata"]["managedFields"]} >= {"towpath-api"}
    namespace.wait_condition("deployments.towpath.dev", "web-to-bucket.green", "Ready")
    web.failures = 1
    said = run("deployment", "run", "web-to-bucket/green", "--watch")
    assert f"of {host.url}/team/rides.git" in said
    assert f"{ROWS} rides read from {web.url}/rides/green-2021-01.csv" in said
    assert f"{KEPT} rides written to rides/green-2021-01.parquet" in said
    again = run("deployment", "run", "web-to-bucket/green", "--watch")
    assert "Cached" in again
    assert "rides read from" not in again
    assert f"{KEPT} rides written to rides/green-2021-01.parquet" in again


def test_the_rides_go_on_into_the_warehouse(
    run: Run, blocks: None, gcs: GcsServer, web: RidesServer, postgres: tuple[Postgres, str]
) -> None:
    deploy(run, gcs, "months", "yellow", "-p", f"source={web.url}/rides", "-p", "color=yellow", "-p", "wanted=[1, 2]")
    said = run("deployment", "run", "months/yellow", "--watch")
    assert f"{2 * KEPT} rides in 2 months" in said

    async def count() -> int:
        connection = await asyncpg.connect(postgres[0].url(postgres[1]).replace("+asyncpg", ""))
        try:
            return await connection.fetchval("SELECT count(*) FROM rides")
        finally:
            await connection.close()

    assert asyncio.run(count()) == 2 * KEPT


def test_code_comes_over_ssh_too(
    run: Run, blocks: None, gcs: GcsServer, web: RidesServer, ssh: SshServer, host: GitServer
) -> None:
    address = ssh.url(host.root / "team" / "rides.git")
    program = (
        "from towpath.filesystems import Git\n"
        f"Git(repository={address!r}, ssh_key={ssh.key!r}, known_hosts={ssh.known_hosts!r}).save('ssh', overwrite=True)"
    )
    run("python", "-c", program)
    deploy(run, gcs, "weather", "ssh", "-p", f"address={web.url}/forecast", storage="git/ssh")
    said = run("deployment", "run", "weather/ssh", "--watch")
    assert f"of {address}." in said
    assert "The warmest hour is 2026-01-01T12:00" in said


def test_a_schedule_is_set_and_its_runs_and_logs_are_there(
    run: Run, blocks: None, namespace: Namespace, gcs: GcsServer, web: RidesServer
) -> None:
    deploy(run, gcs, "weather", "often", "-p", f"address={web.url}/forecast")
    run("deployment", "set-schedule", "weather/often", "--interval", "5s", "-n", namespace.name)

    def find() -> list[dict[str, str]]:
        listed = run("flow-run", "ls", "--deployment", "weather/often", "--state", "Completed", "-o", "json")
        return [item for item in json.loads(listed) if "auto-scheduled" in item["tags"]]

    found = wait_for("a scheduled run", find, 120)
    run("deployment", "set-schedule", "weather/often", "--no-schedule")
    spec = namespace.get("deployments.towpath.dev", "weather.often")["spec"]
    assert not spec.get("schedules")
    assert "The warmest hour is" in run("flow-run", "logs", found[0]["id"])


def test_a_token_that_is_not_accepted_fails_the_run_and_the_reason_is_on_it(
    run: Run, blocks: None, namespace: Namespace, gcs: GcsServer, host: GitServer
) -> None:
    program = (
        "from towpath.filesystems import GitHub\n"
        f"GitHub(repository='{host.url}/team/rides.git', access_token='wrong').save('wrong', overwrite=True)"
    )
    run("python", "-c", program)
    deploy(run, gcs, "weather", "wrong", storage="github/wrong")
    said = run("deployment", "run", "weather/wrong", "--watch", code=1)
    assert "| STATE   | Failed: The flow's code cannot be fetched from github/wrong: " in said
    assert "it does not accept the block's `access_token`" in said
    (failed,) = [
        found
        for found in namespace.list_all("flowruns.towpath.dev")
        if found["spec"].get("deployment") in ("weather.wrong", "weather/wrong")
    ]
    ended = namespace.wait_finished(failed["metadata"]["name"])
    assert find_condition(ended, "Succeeded")["status"] == "False"


def test_the_same_manifest_is_taken_by_kubectl_and_what_is_deleted_is_gone(
    run: Run, blocks: None, namespace: Namespace, gcs: GcsServer, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "kubectl.yaml"
    run(
        "deployment", "build", "bucket_to_warehouse.py:bucket_to_warehouse", "-n", "by kubectl", "-sb", "github/dev",
        "--skip-upload", "--cron", "0 6 * * *", "-o", str(file),
    )  # fmt: skip
    namespace.kubectl("apply", "-f", str(file))
    namespace.wait_condition("deployments.towpath.dev", "bucket-to-warehouse.by-kubectl", "Ready")
    run("deployment", "apply", str(file))
    run("deployment", "pause-schedule", "bucket-to-warehouse/by kubectl")
    found = namespace.get("deployments.towpath.dev", "bucket-to-warehouse.by-kubectl")["spec"]
    assert (found["paused"], len(found["schedules"])) == (True, 1)
    run("deployment", "delete", "bucket-to-warehouse/by kubectl")
    wait_for(
        "the resource to go",
        lambda: namespace.find("deployments.towpath.dev", "bucket-to-warehouse.by-kubectl") is None,
    )
    said = run("deployment", "apply", str(file).replace("kubectl.yaml", "none.yaml"), code=1)
    assert said.startswith("Error: There is no file ")


def test_no_secret_is_in_a_resource(run: Run, blocks: None, namespace: Namespace) -> None:
    kinds = "flows.towpath.dev,deployments.towpath.dev,blocks.towpath.dev,flowruns.towpath.dev,jobs,pods,events"
    told = namespace.kubectl("get", kinds, "-o", "yaml")
    assert "github.dev" in told
    assert TOKEN not in told
