"""Code is fetched from real git hosts: git's own backend over HTTP, and sshd."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.git_server import GitServer, Repository, git_server
from tests.support.server_process import free_port
from tests.support.ssh_server import SshServer, ssh_server
from towpath.errors import StorageError
from towpath.filesystems.checking import parse_address
from towpath.filesystems.git_commands import GitSource
from towpath.filesystems.git_fetching import fetch_repository

TOKEN = "ghp_0123456789secret"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="module")
def repository(host: GitServer) -> Repository:
    """A repository with a tag, a branch, a folder, a link that leads out, and an old commit that nothing names."""
    made = host.make("team/flows")
    made.commit({"etl.py": "first"})
    made.tag("v1")
    made.commit(
        {"etl.py": "second", "flows/deep/etl.py": "deep", "notes": "a file"}, links={"out": "/etc", "near": "etl.py"}
    )
    made.commit({"etl.py": "branch"}, branch="feature/new")
    made.git("checkout", "--quiet", "main")
    return made


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Generator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def open_host(host: GitServer) -> Generator[None]:
    yield
    host.token = None


def source(
    host: GitServer, reference: str | None = None, name: str = "team/flows", token: str | None = None
) -> GitSource:
    return GitSource(parse_address(f"{host.url}/{name}.git"), reference, token=token)


def refusal(fetched: GitSource, folder: Path, path: str = "") -> str:
    with pytest.raises(StorageError) as caught:
        fetch_repository(fetched, folder, path, sleep=lambda _: None)
    assert not folder.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_main_branch_a_branch_a_tag_and_a_commit_are_fetched(
    host: GitServer, repository: Repository, tmp_path: Path
) -> None:
    first, second = repository.git("rev-parse", "v1"), repository.git("rev-parse", "main")
    for number, (reference, text) in enumerate(
        [
            (None, "second"),
            ("main", "second"),
            ("feature/new", "branch"),
            ("v1", "first"),
            (first, "first"),
            (second, "second"),
            (second[:8], "second"),
        ]
    ):
        folder = tmp_path / str(number)
        commit = fetch_repository(source(host, reference), folder)
        assert (folder / "etl.py").read_text() == text
        assert repository.git("show", f"{commit}:etl.py") == text
        assert not (folder / ".git").exists()


def test_a_folder_of_the_repository_is_fetched_and_what_was_there_stays(
    host: GitServer, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "own").write_text("mine")
    fetch_repository(source(host), tmp_path, "flows/deep")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["etl.py", "own"]


def test_only_the_commit_is_fetched_and_git_s_folder_comes_when_it_is_asked_for(
    host: GitServer, repository: Repository, tmp_path: Path
) -> None:
    fetch_repository(source(host), tmp_path, with_history=True)
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert counted.stdout == "1\n"
    assert host.url not in (tmp_path / ".git" / "config").read_text()


def test_a_token_is_sent_and_is_nowhere_to_be_found(
    host: GitServer,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    host.token = TOKEN
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    shim, seen = tmp_path / "bin" / "git", tmp_path / "seen"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\n{{ echo "$@"; env; ps axww -o args; }} >> {seen}\nPATH="{os.environ["PATH"]}" exec git "$@"\n'
    )
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    fetch_repository(source(host, token=TOKEN), tmp_path / "code", with_history=True)
    assert (tmp_path / "code" / "etl.py").read_text() == "second"
    assert "fetch" in seen.read_text()
    said = capfd.readouterr()
    for text in (seen.read_text(), said.out, said.err, repr(source(host, token=TOKEN))):
        assert TOKEN not in text
    found = subprocess.run(["grep", "-rl", TOKEN, str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_a_token_goes_to_its_own_host_only(host: GitServer, tmp_path: Path) -> None:
    with git_server(tmp_path / "other") as other:
        stranger = other.make("stolen")
        stranger.commit({"x": "y"})
        outer = host.make("outer")
        outer.commit({"x": "y"})
        outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(stranger.bare), "inner")
        outer.git("config", "--file", ".gitmodules", "submodule.inner.url", f"{other.url}/stolen.git")
        outer.commit({})
        host.token = other.token = TOKEN
        fetched = GitSource(parse_address(f"{host.url}/outer.git"), token=TOKEN, submodules=True)
        assert "may not be read" in refusal(fetched, tmp_path / "code")
        other.token = None
        fetch_repository(fetched, tmp_path / "code")
        assert (tmp_path / "code" / "inner" / "x").read_text() == "y"


def test_submodules_come_on_demand_and_never_from_this_machine(host: GitServer, tmp_path: Path) -> None:
    inner, outer = host.make("library"), host.make("with-library")
    inner.commit({"lib.py": "lib"})
    outer.commit({"etl.py": "etl"})
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.bare), "lib")
    outer.git("config", "--file", ".gitmodules", "submodule.lib.url", "../library.git")
    outer.commit({})
    plain = source(host, name="with-library")
    fetch_repository(plain, tmp_path / "plain")
    assert list((tmp_path / "plain" / "lib").iterdir()) == []
    fetch_repository(GitSource(plain.address, submodules=True), tmp_path / "full")
    assert (tmp_path / "full" / "lib" / "lib.py").read_text() == "lib"
    outer.git("config", "--file", ".gitmodules", "submodule.lib.url", str(inner.bare))
    outer.commit({})
    said = refusal(GitSource(plain.address, submodules=True), tmp_path / "refused")
    assert "neither https nor ssh" in said


def test_what_is_at_fault_is_said(host: GitServer, repository: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    assert "no branch, tag or commit 'v9'" in refusal(source(host, "v9"), folder)
    assert "no branch, tag or commit 'deadbeef'" in refusal(source(host, "deadbeef"), folder)
    assert "there is no repository at" in refusal(source(host, name="team/nothing"), folder).lower()
    assert "'flows/none' does not exist in" in refusal(source(host), folder, "flows/none")
    assert "is a file, not a folder" in refusal(source(host), folder, "notes")
    assert "leads out of the repository" in refusal(source(host), folder, "out")
    assert "leads out of the storage" in refusal(source(host), folder, "../etc")
    host.token = TOKEN
    assert "it asks for a right: set `access_token`" in refusal(source(host), folder)
    said = refusal(source(host, token="wrong-token"), folder)
    assert "it does not accept the block's `access_token`" in said
    assert "wrong-token" not in said


def test_a_host_that_is_away_is_tried_again_and_then_named(tmp_path: Path) -> None:
    waited: list[float] = []
    away = GitSource(parse_address(f"http://127.0.0.1:{free_port()}/flows.git"))
    with pytest.raises(StorageError, match=r"cannot be reached"):
        fetch_repository(away, tmp_path / "code", sleep=waited.append)
    assert len(waited) == 2


def test_code_is_fetched_over_ssh(ssh: SshServer, repository: Repository, tmp_path: Path) -> None:
    address = parse_address(ssh.url(repository.bare))
    fetched = GitSource(address, "v1", ssh_key=ssh.key, known_hosts=ssh.known_hosts)
    fetch_repository(fetched, tmp_path / "code")
    assert (tmp_path / "code" / "etl.py").read_text() == "first"
    assert ssh.key not in repr(fetched)
    old = repository.git("rev-parse", "v1")
    fetch_repository(GitSource(address, old[:10], ssh_key=ssh.key, known_hosts=ssh.known_hosts), tmp_path / "cut")
    assert (tmp_path / "cut" / "etl.py").read_text() == "first"


def test_what_is_at_fault_over_ssh_is_said(ssh: SshServer, repository: Repository, tmp_path: Path) -> None:
    address = parse_address(ssh.url(repository.bare))
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    wrong = GitSource(address, ssh_key=other.read_text(), known_hosts=ssh.known_hosts)
    assert "does not accept the block's `ssh_key`" in refusal(wrong, tmp_path / "code")
    unknown = GitSource(address, ssh_key=ssh.key, known_hosts="example.org ssh-ed25519 AAAA")
    assert "put what `ssh-keyscan` says" in refusal(unknown, tmp_path / "code")
    nothing = parse_address(ssh.url(repository.bare.with_name("nothing.git")))
    missing = GitSource(nothing, ssh_key=ssh.key, known_hosts=ssh.known_hosts)
    assert "there is no repository at" in refusal(missing, tmp_path / "code").lower()
