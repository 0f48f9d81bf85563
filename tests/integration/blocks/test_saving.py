"""Blocks saved and loaded through the real API: on this machine, from another one, and by the command line."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from pydantic import SecretStr

from tests.support.server_process import ServerProcess
from towpath import flow, task
from towpath.blocks.core import Block, SecretDict
from towpath.blocks.system import JSON, Secret, String
from towpath.cli import run_guarded
from towpath.client.asking import client_for_asking
from towpath.contrib.gcp import GcpCredentials, GcsBucket
from towpath.contrib.sqlalchemy import ConnectionComponents, SqlAlchemyConnector
from towpath.errors import ApiRefused, BlockError, BlockNotFound, SecretNotFound
from towpath.settings import forget_settings

HUSH = "fourteen-barges"


class Harbour(Block):
    """Holds another block, and secrets."""

    name: str
    code: SecretStr
    papers: SecretDict = SecretDict({})
    token: Secret | None = None
    sister: Block | None = None


@pytest.fixture(autouse=True)
def settings(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("TOWPATH_HOME", str(server.home))
    monkeypatch.setenv("TOWPATH_API_URL", server.url)
    forget_settings()
    yield
    forget_settings()


def stored(server: ServerProcess) -> bytes:
    """All that the server has written but for the secrets."""
    return b"".join(path.read_bytes() for path in server.home.iterdir() if path.is_file())


def test_a_secret_is_saved_and_loaded(server: ServerProcess) -> None:
    Secret(value=SecretStr(HUSH)).save("db", overwrite=True)
    assert Secret.load("db").get() == HUSH
    assert Secret.load("secret/db").get() == HUSH
    loaded = Block.load("secret/db")
    assert isinstance(loaded, Secret)
    assert HUSH not in repr(loaded)
    assert HUSH.encode() not in stored(server)


def test_a_loaded_block_is_changed_and_saved_under_its_name() -> None:
    String(value="one").save("word", overwrite=True)
    word = String.load("word")
    word.value = "two"
    identity = word.save(overwrite=True)
    assert String.load("word").value == "two"
    with client_for_asking() as client:
        assert [block.id for block in client.list_blocks(name="string/word").items] == [identity]


def test_nothing_is_replaced_unless_that_is_wanted() -> None:
    JSON(value=1).save("kept", overwrite=True)
    with pytest.raises(BlockError, match="overwrite=True"):
        JSON(value=2).save("kept")
    assert JSON.load("kept").value == 1


def test_blocks_of_ones_own_hold_others_by_name_and_inline() -> None:
    token = Secret(value=SecretStr(HUSH))
    token.save("harbour-token", overwrite=True)
    sister = Harbour(name="Low", code=SecretStr("inline"))
    Harbour(name="High", code=SecretStr("c"), papers=SecretDict({"a": {"b": 1}}), token=token, sister=sister).save(
        "high", overwrite=True
    )
    loaded = Harbour.load("high")
    assert loaded.papers.get_secret_value() == {"a": {"b": 1}}
    assert loaded.token is not None
    assert loaded.token.get() == HUSH
    assert isinstance(loaded.sister, Harbour)
    assert loaded.sister.code.get_secret_value() == "inline"
    Secret(value=SecretStr("changed")).save("harbour-token", overwrite=True)
    again = Harbour.load("high")
    assert again.token is not None
    assert again.token.get() == "changed"


def test_a_block_that_refers_to_itself_is_refused() -> None:
    block = Harbour(name="Loop", code=SecretStr("c"))
    block.save("loop", overwrite=True)
    block.sister = Harbour.load("loop")
    block.save("loop", overwrite=True)
    with pytest.raises(BlockError, match="refers to itself"):
        Harbour.load("loop")


def test_secrets_that_a_new_version_lacks_are_gone(server: ServerProcess) -> None:
    Harbour(name="A", code=SecretStr("c"), papers=SecretDict({"x": 1}), token=Secret(value=SecretStr("t"))).save(
        "gone", overwrite=True
    )
    Harbour(name="A", code=SecretStr("c")).save("gone", overwrite=True)
    folder = server.home / "secrets/default/harbour.gone"
    assert sorted(path.name for path in folder.iterdir()) == ["code", "papers"]


def test_what_is_not_there_is_said(server: ServerProcess) -> None:
    with pytest.raises(BlockNotFound, match="towpath block ls"):
        Secret.load("nothing")
    server.call("PUT", "/blocks", json={"name": "x", "spec": {"type": "no-such-type"}})
    with pytest.raises(BlockNotFound, match="import the module"):
        Block.load("no-such-type/x")
    String(value="x").save("a-string", overwrite=True)
    with pytest.raises(BlockError, match="not a Secret"):
        Secret.load("string/a-string")


def test_what_does_not_fit_its_class_is_said_without_its_values(server: ServerProcess) -> None:
    Harbour(name="Fit", code=SecretStr(HUSH)).save("unfit", overwrite=True)
    Harbour.register_type_and_schema()
    (block,) = server.call("GET", "/blocks", params={"name": "harbour/unfit"})["items"]
    with client_for_asking() as client:
        client.delete_block_type("harbour", "default")
    config = {"name": ["not", "a", "text"]}
    server.call("PUT", "/blocks", json={"name": "unfit", "spec": {**block["spec"], "config": config}})
    with pytest.raises(BlockError, match="name") as caught:
        Harbour.load("unfit")
    assert HUSH not in str(caught.value)
    assert Harbour.load("unfit", validate=False).name == ["not", "a", "text"]


@pytest.mark.parametrize("papers", [HUSH * 100_000, {f"k{n}": HUSH for n in range(60)}], ids=["too long", "too many"])
def test_what_is_too_much_is_said_without_being_shown(papers: Any) -> None:
    class Chest(Block):
        """Holds much."""

        one: SecretStr | None = None
        many: dict[str, SecretStr] = {}

    field = "one" if isinstance(papers, str) else "many"
    chest = Chest.model_validate({field: papers})
    with pytest.raises(BlockError, match="cannot be saved") as caught:
        chest.save("chest", overwrite=True)
    assert HUSH not in str(caught.value)


def test_a_block_and_its_secrets_are_deleted(server: ServerProcess) -> None:
    Secret(value=SecretStr(HUSH)).save("doomed", overwrite=True)
    Secret.delete("doomed")
    with pytest.raises(BlockNotFound):
        Secret.load("doomed")
    with pytest.raises(BlockNotFound):
        Secret.delete("doomed")
    assert not (server.home / "secrets/default/secret.doomed").exists()


def test_namespaces_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    String(value="here").save("place", overwrite=True)
    String(value="there").save("place", overwrite=True, namespace="team")
    assert String.load("place").value == "here"
    monkeypatch.setenv("TOWPATH_NAMESPACE", "team")
    forget_settings()
    assert String.load("place").value == "there"


async def test_in_coroutines_blocks_are_awaited() -> None:
    await Secret(value=SecretStr(HUSH)).save("awaited", overwrite=True)  # type: ignore[misc]
    assert (await Secret.load("awaited")).get() == HUSH  # type: ignore[misc]
    await Secret(value=SecretStr("other")).asave("awaited", overwrite=True)
    first, second = await asyncio.gather(Secret.aload("awaited"), Secret.aload("awaited"))
    assert first.get() == second.get() == "other"


def test_flows_and_tasks_load_blocks() -> None:
    Secret(value=SecretStr(HUSH)).save("in-flow", overwrite=True)

    @task
    def length(secret: Secret) -> int:
        return len(secret.get())

    @flow
    def measure() -> int:
        return length.submit(Secret.load("in-flow")).result()

    @flow
    async def measure_async() -> int:
        return len((await Secret.load("in-flow")).get())  # type: ignore[misc]

    assert measure() == len(HUSH)
    assert asyncio.run(measure_async()) == len(HUSH)


def test_blocks_of_clouds_and_databases_are_kept_with_their_parts() -> None:
    credentials = GcpCredentials(service_account_info=SecretDict({"type": "service_account"}))
    credentials.save("cloud", overwrite=True)
    GcsBucket(bucket="lake", gcp_credentials=credentials).save("lake", overwrite=True)
    bucket = GcsBucket.load("lake")
    assert bucket.gcp_credentials.service_account_info is not None
    assert bucket.gcp_credentials.service_account_info.get_secret_value() == {"type": "service_account"}
    parts = ConnectionComponents(driver="postgresql+psycopg", database="d", password=SecretStr(HUSH))
    SqlAlchemyConnector(connection_info=parts).save("warehouse", overwrite=True)
    info = SqlAlchemyConnector.load("warehouse").connection_info
    assert isinstance(info, ConnectionComponents)
    assert info.create_url().password == HUSH
    SqlAlchemyConnector(connection_info=SecretStr(f"sqlite:///{HUSH}")).save("warehouse", overwrite=True)
    assert SqlAlchemyConnector.load("warehouse").get_url().database == HUSH


def test_a_process_elsewhere_has_secrets_only_from_a_server_with_a_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path_factory.mktemp("elsewhere")))
    forget_settings()
    Secret(value=SecretStr(HUSH)).save("far", overwrite=True)
    with pytest.raises(SecretNotFound, match="not on this machine"):
        Secret.load("far")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_guarded(["block", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_the_command_line_makes_changes_shows_and_deletes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text(HUSH)
    monkeypatch.setenv("CANAL_TOKEN", "from-a-variable")
    made = run(capsys, "create", "secret/cli", "--secret", f"value=@{tmp_path / 'password'}")
    assert made == "Saved block 'secret/cli'.\n"
    assert Secret.load("cli").get() == HUSH
    run(capsys, "update", "secret/cli", "--secret", "value=env:CANAL_TOKEN")
    assert Secret.load("cli").get() == "from-a-variable"
    assert "already" in run(capsys, "create", "secret/cli", "--secret", "value=env:CANAL_TOKEN", code=1)
    shown = (
        run(capsys, "inspect", "secret/cli") + run(capsys, "ls") + run(capsys, "inspect", "secret/cli", "-o", "json")
    )
    assert "secret/cli" in shown
    assert "from-a-variable" not in shown
    assert run(capsys, "delete", "secret/cli") == "Deleted block 'secret/cli'.\n"
    assert "no block" in run(capsys, "inspect", "secret/cli", code=1)


def test_fields_are_texts_where_their_type_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "create", "string/five", "-p", "value=5", "--overwrite")
    assert String.load("five").value == "5"
    run(capsys, "create", "json/five", "-p", "value=5", "--overwrite")
    assert JSON.load("five").value == 5
    run(capsys, "create", "gcs-bucket/cli", "--fields", '{"bucket": "lake"}', "--overwrite")
    assert GcsBucket.load("cli").bucket == "lake"
    GcpCredentials(project="canal").save("cli", overwrite=True)
    run(capsys, "update", "gcs-bucket/cli", "--block", "gcp_credentials=gcp-credentials/cli")
    assert GcsBucket.load("cli").gcp_credentials.project == "canal"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "secret/x", "--secret", "value=hush"), "may not stand on the command line"),
        (("create", "secret/x", "--secret", "value=@/nowhere"), "/nowhere"),
        (("create", "secret/x", "--secret", "value=env:NOT_SET_AT_ALL"), "NOT_SET_AT_ALL"),
        (("create", "secret/x"), "value: is required, and secret"),
        (("create", "secret"), "TYPE/NAME"),
        (("create", "no-such-type/x"), "no block type"),
        (("create", "string/x", "-p", "value"), "FIELD=VALUE"),
        (("create", "string/x", "--fields", "nonsense"), "not JSON"),
        (("create", "string/x", "-p", "vlaue=x"), "no such field"),
        (("create", "gcs-bucket/x", "--block", "gcp_credentials=x"), "FIELD=TYPE/NAME"),
        (("update", "string/nothing", "-p", "value=x"), "no block"),
        (("type", "inspect", "no-such-type"), "no block type"),
        (("register", "-m", "no_such_module"), "cannot be imported"),
        (("register", "-f", "/nowhere.py"), "no file"),
        (("register", "-m", "json"), "defines no type"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    told = run(capsys, *arguments, code=1)
    assert said in told
    assert "hush" not in told
    assert told.startswith("Error: ")
    assert len(told.splitlines()) == 1


def test_types_are_listed_shown_and_registered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "wharf_blocks.py"
    file.write_text(
        "from pydantic import SecretStr\nfrom towpath.blocks.core import Block\n\n\n"
        'class Wharf(Block):\n    """Where barges lie."""\n\n    length: int\n    code: SecretStr\n'
    )
    assert run(capsys, "register", "-f", str(file)) == "Successfully registered 1 block type: wharf.\n"
    listed = {item["slug"]: item for item in json.loads(run(capsys, "type", "ls", "-o", "json"))}
    assert listed["wharf"]["secret_fields"] == ["code"]
    assert listed["secret"]["namespace"] is None
    shown = run(capsys, "type", "inspect", "wharf")
    assert "Where barges lie." in shown
    assert "length" in shown
    assert run(capsys, "type", "delete", "wharf") == "Deleted block type 'wharf'.\n"
    assert "comes with Towpath" not in run(capsys, "register", "-m", "towpath.blocks.system")


def start(server: ServerProcess, *arguments: str) -> "pexpect.spawn[str]":
    environment = {**os.environ, "TOWPATH_HOME": str(server.home), "TOWPATH_API_URL": server.url, "TERM": "xterm"}
    program = "from towpath.cli import main; main()"
    return pexpect.spawn(
        sys.executable, ["-c", program, *arguments], env=environment, encoding="utf-8", timeout=60, echo=True
    )


def test_a_secret_is_asked_for_unseen(server: ServerProcess) -> None:
    child = start(server, "block", "create", "secret/typed", "--secret", "value", "--overwrite")
    try:
        child.expect("value: ")
        child.sendline(HUSH)
        child.expect("Saved block 'secret/typed'.")
        assert HUSH not in str(child.before)
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert Secret.load("typed").get() == HUSH


def test_a_secret_is_piped_in(server: ServerProcess) -> None:
    environment: dict[str, Any] = {**os.environ, "TOWPATH_HOME": str(server.home), "TOWPATH_API_URL": server.url}
    program = "from towpath.cli import main; main()"
    command = [sys.executable, "-c", program, "block", "create", "secret/piped", "--secret", "value", "--overwrite"]
    subprocess.run(command, input=f"{HUSH}\n".encode(), env=environment, check=True, timeout=60, stdout=subprocess.PIPE)
    assert Secret.load("piped").get() == HUSH


def test_a_server_that_is_a_machine_away_tells_those_who_have_its_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ServerProcess(tmp_path_factory.mktemp("guarded"), settings={"TOWPATH_API_TOKEN": "sesame"})
    server.start()
    try:
        monkeypatch.setenv("TOWPATH_HOME", str(tmp_path_factory.mktemp("elsewhere")))
        monkeypatch.setenv("TOWPATH_API_URL", server.url)
        monkeypatch.setenv("TOWPATH_API_TOKEN", "sesame")
        forget_settings()
        Secret(value=SecretStr(HUSH)).save("far")
        assert Secret.load("far").get() == HUSH
        monkeypatch.setenv("TOWPATH_API_TOKEN", "wrong")
        forget_settings()
        with pytest.raises(ApiRefused):
            Secret.load("far")
    finally:
        server.stop()
