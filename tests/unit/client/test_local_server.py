"""Finding the home's local server, and what is said where none can be asked. Starting one is tested with real processes."""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from towpath.client import spool
from towpath.client.asking import client_for_asking
from towpath.client.encoding import BatchHead
from towpath.client.local_server import LocalAddress, LocalServer, find_running, find_server
from towpath.client.locks import share_lock, try_lock
from towpath.client.spool import SpoolFile
from towpath.errors import ApiUnavailable, SettingsError
from towpath.settings import Settings, build_settings, read_origins


def settings_of(home: Path, **environment: str) -> Settings:
    return build_settings(read_origins({"TOWPATH_HOME": str(home), **environment}))


@contextmanager
def held(home: Path, text: str) -> Generator[None]:
    """A server's lock, held as another process would hold it."""
    descriptor = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, text.encode())
        yield
    finally:
        os.close(descriptor)


TOLD = json.dumps({"pid": 7, "url": "http://127.0.0.1:4200", "token": "sesame", "background": True})


def test_a_server_is_where_its_lock_says_as_long_as_it_holds_it(tmp_path: Path) -> None:
    assert find_server(tmp_path / "nowhere") is None
    with held(tmp_path, TOLD):
        found = find_server(tmp_path)
        assert found == LocalServer(7, "http://127.0.0.1:4200/api", "sesame")
        assert "sesame" not in repr(found)
        assert find_running(tmp_path) == found
    assert find_server(tmp_path) is None, "what the file still says is of a server that is gone"
    with pytest.raises(ApiUnavailable, match="No server runs for"):
        find_running(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"url": "http://h"}', "5"])
def test_a_server_that_says_nothing_yet_is_not_found(tmp_path: Path, text: str) -> None:
    with held(tmp_path, text):
        assert find_server(tmp_path) is None


def test_the_address_is_asked_for_anew_and_the_servers_token_counts_first(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, TOWPATH_API_TOKEN="mine")
    servers = [LocalServer(1, "http://127.0.0.1:1/api"), LocalServer(2, "http://127.0.0.1:2/api", "theirs")]
    address = LocalAddress(settings, lambda: servers.pop(0))
    assert (address.locate(), address.read()) == ("http://127.0.0.1:1/api", "mine")
    assert (address.locate(), address.read()) == ("http://127.0.0.1:2/api", "theirs")


def test_with_an_address_in_the_settings_nothing_is_looked_for(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home", TOWPATH_API_URL="http://127.0.0.1:1/api")
    with client_for_asking(settings) as client:
        assert client.url == "http://127.0.0.1:1/api"
    assert not (tmp_path / "home").exists()


def not_installed(name: str) -> None:
    """What `find_spec` says of a package that is not there."""


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"TOWPATH_LOCAL_SERVER": "false"}, "TOWPATH_LOCAL_SERVER keeps"), ({}, "pip install 'towpath\\[server\\]'")],
)
def test_where_none_may_be_started_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", not_installed)
    with pytest.raises(SettingsError, match=said):
        client_for_asking(settings_of(tmp_path / "home", **environment))
    assert not (tmp_path / "home").exists()


def test_a_shared_lock_keeps_those_out_who_want_it_alone(tmp_path: Path) -> None:
    one, two, three = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(3))
    try:
        assert share_lock(one) and share_lock(two)
        assert not try_lock(three)
        os.close(one)
        os.close(two)
        assert try_lock(three)
    finally:
        os.close(three)


def test_a_spool_file_that_somebody_looks_at_as_it_is_made_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def lock_at_the_third_try(descriptor: int) -> bool:
        tries.append(descriptor)
        if len(tries) == 2:
            next(tmp_path.glob("*.events")).unlink()  # who looks deletes what is empty
        return len(tries) != 1

    monkeypatch.setattr(spool, "try_lock", lock_at_the_third_try)
    file = SpoolFile.create(tmp_path, BatchHead("run", 0, "writer"))
    assert len(tries) == 3 and file.path.exists()
    file.close()
