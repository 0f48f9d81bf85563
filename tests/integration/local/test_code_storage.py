"""Flows whose code lies in a storage: built, looked for or uploaded by the command line, fetched by the runs of a real agent."""

import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import yaml

from tests.support.agent_process import AgentProcess, environment_of, run_program, run_towpath, wait_for
from tests.support.git_server import GitServer, Repository, git_server
from tests.support.s3_server import run_s3_server
from tests.support.server_process import ServerProcess, free_port

FLOW = """
from pathlib import Path

from helping import shout
from towpath import flow

@flow(log_prints=True)
def greet(name: str = "Ada") -> None:
    print(shout(name), Path("data/word").read_text(), "from", (Path.cwd() / "greeting.py").is_file())
"""
HELPING = "def shout(name):\n    return f'Hello, {name.upper()}!'\n"
TOKEN = "ghp_0123456789secret"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as server:
        server.token = TOKEN
        yield server


@pytest.fixture(scope="module")
def repository(host: GitServer) -> Repository:
    made = host.make("team/flows")
    made.commit({"greeting.py": FLOW, "helping.py": HELPING, "data/word": "from git"})
    made.commit({"flows/greeting.py": FLOW, "flows/helping.py": HELPING, "flows/data/word": "from a folder"})
    return made


@pytest.fixture(scope="module")
def agent(server: ServerProcess) -> Generator[AgentProcess]:
    agent = AgentProcess(server, server.home, "-q", "test")
    yield agent
    agent.end()


@pytest.fixture
def run(server: ServerProcess, tmp_path: Path) -> Run:
    """Runs `towpath ...` in a folder with the flow; what it prints."""
    for name, text in {"greeting.py": FLOW, "helping.py": HELPING, "data/word": "from the folder"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def run(*arguments: str, code: int = 0) -> str:
        environment = environment_of(server.home, TOWPATH_API_URL=server.url, TOWPATH_FLUSH_INTERVAL="0.02")
        said = run_towpath(*arguments, environment=environment, folder=tmp_path, code=code)
        assert TOKEN not in said
        return said

    return run


def wait_until_idle(agent: AgentProcess) -> None:
    """Until the processes of all runs are gone: a run has ended in the API before its process has."""
    wait_for(lambda: agent.said().count(" started as process ") == agent.said().count(" ended as "), agent.said)


def save(server: ServerProcess, name: str, block: str) -> None:
    """Saves a block, given as Python, under a name."""
    program = f"from towpath.filesystems import *\n{block}.save({name!r}, overwrite=True)"
    environment = environment_of(server.home, TOWPATH_API_URL=server.url)
    run_program(sys.executable, "-c", program, environment=environment, folder=server.home)


def save_git(
    server: ServerProcess, host: GitServer, name: str, *, token: str = TOKEN, path: str = "team/flows.git", **more: str
) -> None:
    given = "".join(f", {field}={value!r}" for field, value in more.items())
    save(server, name, f"GitHub(repository='{host.url}/{path}', access_token={token!r}{given})")


def test_a_flow_runs_from_a_git_host(
    run: Run, server: ServerProcess, host: GitServer, repository: Repository, agent: AgentProcess, tmp_path: Path
) -> None:
    save_git(server, host, "dev", reference="main")
    said = run("deployment", "build", "greeting.py:greet", "-n", "git", "-q", "test", "-sb", "github/dev", "-a")
    assert "Found greeting.py in commit " in said
    assert (
        "Deployment storage github/dev does not have upload capabilities; no files uploaded.  Pass --skip-upload to suppress "
        "this warning.\n" in said
    )
    text = (tmp_path / "greet-deployment.yaml").read_text()
    assert TOKEN not in text
    flow, _ = yaml.safe_load_all(text)
    assert flow["spec"]["storage"] == {"block": "github/dev"}
    assert "path" not in flow["spec"]
    said = run("deployment", "run", "greet/git", "--watch")
    commit = repository.git("rev-parse", "HEAD")
    assert f"Fetched commit {commit} of {host.url}/team/flows.git at main." in said
    assert "Hello, ADA! from git from True" in said
    assert TOKEN not in agent.said()


def test_a_flow_runs_from_a_folder_of_a_commit_and_fetched_code_goes(
    run: Run, server: ServerProcess, host: GitServer, repository: Repository, agent: AgentProcess
) -> None:
    save_git(server, host, "pinned", reference=repository.git("rev-parse", "HEAD")[:10])
    run("deployment", "build", "greeting.py:greet", "-n", "folder", "-q", "test", "-sb", "github/pinned/flows", "-a")
    wait_until_idle(agent)
    for _ in range(2):
        assert "Hello, ADA! from a folder from True" in run("deployment", "run", "greet/folder", "--watch")
        wait_until_idle(agent)
    left = list((agent.home / "code").glob("*.lock"))
    assert len(left) <= 1, left


def test_code_is_uploaded_but_for_what_is_ignored_and_runs_from_there(
    run: Run, server: ServerProcess, agent: AgentProcess, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    save(server, "shelf", f"LocalFileSystem(basepath={str(shelf)!r})")
    (tmp_path / "notes.txt").write_text("not for others")
    (tmp_path / ".towpathignore").write_text("notes.txt\nshelf/\n.towpathignore\n*.yaml\n")
    said = run(
        "deployment",
        "build",
        "greeting.py:greet",
        "-n",
        "shelf",
        "-q",
        "test",
        "-sb",
        "local-file-system/shelf/v1",
        "-a",
    )
    assert "Successfully uploaded 3 files (" in said
    assert f"to {shelf}/v1:\n  greeting.py\n  helping.py\n  data/word\n" in said
    found = sorted(file.relative_to(shelf).as_posix() for file in shelf.rglob("*") if file.is_file())
    assert found == ["v1/data/word", "v1/greeting.py", "v1/helping.py"]
    assert "Hello, ADA! from the folder from True" in run("deployment", "run", "greet/shelf", "--watch")
    (tmp_path / "data" / "word").write_text("anew")
    run("deployment", "apply", "greet-deployment.yaml", "--upload", "-l", "3")
    assert "Hello, ADA! anew from True" in run("deployment", "run", "greet/shelf", "--watch")
    (queue,) = [queue for queue in json.loads(run("work-queue", "ls", "-o", "json")) if queue["name"] == "test"]
    assert (queue["spec"]["launcher"], queue["spec"]["concurrencyLimit"]) == ("Agent", 3)


def test_the_same_from_python(server: ServerProcess, run: Run, agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "deploy.py").write_text(
        "from greeting import greet\nfrom towpath.deployments import Deployment\nfrom towpath.filesystems import LocalFileSystem\n"
        f"shelf = LocalFileSystem(basepath={str(tmp_path / 'python-shelf')!r})\nshelf.save('python')\n"
        "Deployment.build_from_flow(flow=greet, name='python', storage=shelf, path='v2', work_queue_name='test', apply=True)\n"
    )
    environment = environment_of(server.home, TOWPATH_API_URL=server.url)
    run_program(sys.executable, "deploy.py", environment=environment, folder=tmp_path)
    assert (tmp_path / "python-shelf" / "v2" / "greeting.py").is_file()
    assert "Hello, ADA! from the folder" in run("deployment", "run", "greet/python", "--watch")


def test_code_that_cannot_be_fetched_fails_the_run_and_says_why(
    run: Run, server: ServerProcess, host: GitServer, repository: Repository, agent: AgentProcess
) -> None:
    save_git(server, host, "moving", reference="main")
    run("deployment", "build", "greeting.py:greet", "-n", "moving", "-q", "test", "-sb", "github/moving", "-a")
    for change, says in (
        ({"reference": "gone"}, "there is no branch, tag or commit 'gone'"),
        ({"token": "wrong"}, "it does not accept the block's `access_token`"),
        ({"path": "team/nothing.git"}, "there is no repository at"),
        ({"reference": repository.git("rev-parse", "HEAD~1")}, "Hello"),
    ):
        save_git(server, host, "moving", **change)
        said = run("deployment", "run", "greet/moving", "--watch", code=0 if says == "Hello" else 1)
        assert says.lower() in said.lower()
        if says != "Hello":
            assert "| STATE   | Failed: The flow's code cannot be fetched from github/moving: " in said
            assert "Traceback" not in said


@pytest.mark.parametrize(
    ("storage", "change", "says"),
    [
        ("github/nothing", {}, "There is no block github/nothing"),
        ("nothing/dev", {}, "There is no block nothing/dev"),
        ("github", {}, "'github' is not right: write it as type/name"),
        ("github/bad/../../etc", {}, "leads out of the storage"),
        ("github/bad", {"token": "wrong"}, "it does not accept the block's `access_token`"),
        ("github/bad", {"reference": "gone"}, "here is no branch, tag or commit 'gone'"),
        ("github/bad", {"path": "team/nothing.git"}, "here is no repository at"),
        ("github/bad/none", {}, "'none' does not exist in"),
        ("github/bad/data", {}, "There is no file greeting.py in commit"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_a_sentence_and_nothing_is_written(
    run: Run, server: ServerProcess, host: GitServer, repository: Repository, tmp_path: Path,
    storage: str, change: dict[str, str], says: str,
) -> None:  # fmt: skip
    save_git(server, host, "bad", **change)
    said = run("deployment", "build", "greeting.py:greet", "-n", "bad", "-sb", storage, "-a", code=1)
    error = said.splitlines()[-1]
    assert error.startswith("Error: ") and says in error, said
    assert [line for line in said.splitlines()[:-1] if not line.startswith("Found flow")] == []
    assert not (tmp_path / "greet-deployment.yaml").exists()
    assert not (tmp_path / ".towpathignore").exists()
    assert "greet/bad" not in run("deployment", "ls")


def test_where_the_storage_s_secrets_are_not_the_code_is_not_looked_for(
    run: Run, server: ServerProcess, host: GitServer, repository: Repository, tmp_path: Path
) -> None:
    save_git(server, host, "elsewhere")
    words = ("deployment", "build", "greeting.py:greet", "-n", "elsewhere", "-sb", "github/elsewhere")
    environment = environment_of(tmp_path / "other-home", TOWPATH_API_URL=server.url)
    said = run_towpath(*words, environment=environment, folder=tmp_path)
    assert "The code was not looked for, since the secret 'access_token' of block 'github/elsewhere' is not on" in said
    assert "Deployment YAML created at" in said


def test_a_git_host_that_is_away_is_named(run: Run, server: ServerProcess, tmp_path: Path) -> None:
    save(server, "away", f"Git(repository='http://127.0.0.1:{free_port()}/x.git')")
    said = run("deployment", "build", "greeting.py:greet", "-n", "bad", "-sb", "git/away", code=1)
    assert said.splitlines()[-1].startswith("Error: http://127.0.0.1:")
    assert "cannot be reached (" in said
    assert not (tmp_path / "greet-deployment.yaml").exists()


def test_an_ignore_file_with_nonsense_is_refused_before_anything_goes_up(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    save(server, "nonsense", f"LocalFileSystem(basepath={str(tmp_path / 'shelf')!r})")
    (tmp_path / ".towpathignore").write_text("*.txt\n!\n")
    said = run("deployment", "build", "greeting.py:greet", "-n", "bad", "-sb", "local-file-system/nonsense", code=1)
    assert said.splitlines()[-1] == (
        f"Error: {os.path.realpath(tmp_path)}/.towpathignore, line 2: '!' is no rule of .gitignore: correct it or take it out."
    )
    assert not (tmp_path / "shelf").exists()
    (tmp_path / ".towpathignore").write_text("greeting.py\n")
    said = run("deployment", "build", "greeting.py:greet", "-n", "bad", "-sb", "local-file-system/nonsense", code=1)
    assert "The flow's file greeting.py would not be uploaded" in said
    assert not (tmp_path / "shelf").exists()
    assert not (tmp_path / "greet-deployment.yaml").exists()


def test_a_bucket_without_permission_is_named_and_nothing_is_written(
    run: Run, server: ServerProcess, tmp_path: Path
) -> None:
    with run_s3_server() as s3:
        s3.make_bucket("flows")
        account = f"aws_access_key_id={s3.access_key!r}, region_name={s3.region!r}, endpoint_url={s3.url!r}"
        save(server, "wrong", f"S3(bucket_path='flows/v1', aws_secret_access_key='wrong', {account})")
        said = run("deployment", "build", "greeting.py:greet", "-n", "bad", "-sb", "s3/wrong", code=1)
        error = said.splitlines()[-1]
        assert error.startswith("Error: s3://flows/v1/")
        assert "may not be read or written: the block's credentials are not accepted" in error
        assert not (tmp_path / "greet-deployment.yaml").exists()
        save(server, "right", f"S3(bucket_path='flows/v1', aws_secret_access_key={s3.secret_key!r}, {account})")
        said = run("deployment", "build", "greeting.py:greet", "-n", "bucket", "-sb", "s3/right/new")
        assert "Successfully uploaded 3 files (" in said
        assert "to s3://flows/v1/new:\n  greeting.py\n" in said
        assert sorted(path.name for path in (s3.folder / "flows" / "v1" / "new").iterdir()) == [
            "data",
            "greeting.py",
            "helping.py",
        ]


def test_a_cron_that_never_comes_is_refused_where_it_is_applied(run: Run, tmp_path: Path) -> None:
    run("deployment", "build", "greeting.py:greet", "-n", "never", "--cron", "0 6 * * *", "--skip-upload")
    file = tmp_path / "greet-deployment.yaml"
    file.write_text(file.read_text().replace("0 6 * * *", "0 6 31 2 *"))
    said = run("deployment", "apply", "greet-deployment.yaml", code=1)
    assert said.startswith(
        "Error: greet-deployment.yaml, document 2 (Deployment 'greet.never'): spec.schedules.0.cron: "
    )
    assert "greet/never" not in run("deployment", "ls")


def test_where_runs_go_is_declared_with_the_deployment(run: Run, tmp_path: Path) -> None:
    run(
        "deployment", "build", "greeting.py:greet", "-n", "where", "-q", "My Queue", "-l", "2", "-i", "kubernetes-job",
        "--override", "env.REGION=eu", "--override", "memory_limit=2Gi", "--skip-upload", "-a",
    )  # fmt: skip
    queue, _, deployment = yaml.safe_load_all((tmp_path / "greet-deployment.yaml").read_text())
    assert (queue["kind"], queue["metadata"]["name"], queue["spec"]) == (
        "WorkQueue",
        "my-queue",
        {"name": "My Queue", "concurrencyLimit": 2},
    )
    (container,) = deployment["spec"]["podTemplate"]["spec"]["containers"]
    assert container == {"env": [{"name": "REGION", "value": "eu"}], "resources": {"limits": {"memory": "2Gi"}}}
    for given, says in (
        (("-i", "docker-container"), "there is no 'docker-container': give process or kubernetes-job"),
        (("-l", "2"), "a queue is declared with its launcher"),
        (("-i", "process", "--override", "image=x"), "process has no 'image'"),
        (("-i", "process", "--override", "env"), "write it as KEY=VALUE"),
        (("--override", "env.A=b"), "there is no infrastructure that they could be laid over"),
        (("-ib", "process/none"), "There is no block process/none"),
    ):
        assert says in run("deployment", "build", "greeting.py:greet", "-n", "bad", *given, code=1)
