"""Results: which are stored, where and how; what cannot be stored."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.blocks.registry import import_builtins
from towpath.errors import MissingResult, ResultError, SerializationError
from towpath.results import FolderStorage, ResultStore, open_storage
from towpath.results.storages import STORING_BLOCKS
from towpath.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    find_serializer,
    register_serializer,
)
from towpath.settings import overriding_settings
from towpath.states import State


class Point(BaseModel):
    x: int


def run(body: Any, **options: Any) -> State[Any]:
    return flow(body, name="f", **options)(return_state=True)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_results_stay_in_memory_unless_asked_for(home: Path) -> None:
    work = task(lambda: 1, name="work")
    run(lambda: work())
    assert files(home) == []


def test_a_persisted_result_lies_in_the_home_and_its_address_is_told(home: Path, told: Recording) -> None:
    work = task(lambda: {"rows": 3}, name="work", persist_result=True)
    run(lambda: work())
    address = told.state_events("work-0")[-1]["details"]["result"]
    assert address == (home / "results" / told.run_id("work-0")).as_uri()
    assert files(home / "results") == [told.run_id("work-0")]


def test_results_are_pickled_unless_another_serializer_is_named(home: Path, told: Recording) -> None:
    work = task(lambda: {1, 2}, name="work", persist_result=True)
    assert run(lambda: work()).result() == {1, 2}
    stored = (home / "results" / told.run_id("work-0")).read_bytes()
    assert json.loads(stored.partition(b"\n")[0])["serializer"] == "pickle"


def test_flows_persist_their_results_too(home: Path, told: Recording) -> None:
    state = run(lambda: 5, persist_result=True)
    assert told.of_kind("state")[-1]["details"]["result"].endswith(told.of_kind("flow_run")[0]["id"])
    assert state.result() == 5


@pytest.mark.parametrize("name", ["pickle", "json", "compressed/pickle", "compressed/json", "compressed:zlib/json"])
def test_every_serializer_gives_back_what_it_took(tmp_path: Path, name: str) -> None:
    value = {"a": [1, None, "x"], "b": {"c": True}}
    store = ResultStore(FolderStorage(tmp_path), name)
    assert store.write("some/key", value).load() == value
    assert store.serializer.name == name
    assert find_serializer(name) == store.serializer
    head = json.loads((tmp_path / "some/key").read_bytes().partition(b"\n")[0])
    assert head["serializer"] == name


def test_serializers_by_class_and_object() -> None:
    assert find_serializer(JSONSerializer) == JSONSerializer()
    assert CompressedPickleSerializer() == CompressedSerializer(PickleSerializer())
    assert CompressedJSONSerializer().loads(CompressedJSONSerializer().dumps([1])) == [1]
    assert JSONSerializer().loads(JSONSerializer().dumps({"p": Point(x=1)})) == {"p": {"x": 1}}
    function = PickleSerializer().loads(PickleSerializer().dumps(lambda: 7))
    assert function() == 7


def test_a_serializer_of_ones_own_can_be_registered(tmp_path: Path) -> None:
    @register_serializer
    class Upper(Serializer):
        type = "upper"

        def dumps(self, value: Any) -> bytes:
            return str(value).upper().encode()

        def loads(self, data: bytes) -> Any:
            return data.decode()

    assert ResultStore(FolderStorage(tmp_path), "upper").write("k", "abc").load() == "ABC"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: find_serializer("nope"), "no serializer 'nope'"),
        (lambda: CompressedSerializer(compressionlib="no_such_library"), "not installed"),
        (lambda: CompressedSerializer(compressionlib="json"), "no compress"),
        (lambda: JSONSerializer().dumps(object()), "cannot be written as JSON"),
        (lambda: PickleSerializer().dumps(x for x in "a"), "cannot be pickled"),
        (lambda: JSONSerializer().loads(b"{"), "cannot be read"),
        (lambda: PickleSerializer().loads(b"no"), "cannot be read"),
        (lambda: CompressedPickleSerializer().loads(b"no"), "cannot be read"),
    ],
)
def test_what_a_serializer_cannot_do_is_said(make: Any, words: str) -> None:
    with pytest.raises(SerializationError, match=words):
        make()


def test_a_result_that_was_asked_for_and_cannot_be_stored_fails_the_task(told: Recording) -> None:
    work = task(lambda: object(), name="work", persist_result=True, result_serializer="json")
    state = run(lambda: work())
    assert state.is_failed()
    with pytest.raises(SerializationError, match="cannot be written as JSON"):
        state.result()
    assert told.states("work-0")[-1] == "Failed"
    assert run(lambda: object(), persist_result=True, result_serializer="json").is_failed()


def test_tasks_inherit_storage_and_serializer_from_their_flow(tmp_path: Path, told: Recording) -> None:
    work = task(lambda: [1], name="work", persist_result=True)
    run(lambda: work(), result_storage=str(tmp_path / "there"), result_serializer="json")
    stored = (tmp_path / "there" / told.run_id("work-0")).read_bytes()
    assert stored.endswith(b"\n[1]")


def test_the_setting_names_the_storage(tmp_path: Path) -> None:
    work = task(lambda: 1, name="work", persist_result=True)
    with overriding_settings(results_storage=str(tmp_path / "set")):
        run(lambda: work())
    assert len(files(tmp_path / "set")) == 1


def test_result_storage_key_is_a_template(tmp_path: Path) -> None:
    @task(result_storage=tmp_path, result_storage_key="{parameters[month]}/{task_run.task_name}-{month}.bin")
    def work(month: int) -> int:
        return month

    run(lambda: work(7))
    assert files(tmp_path) == ["7/work-7.bin"]
    wrong = work.with_options(result_storage_key="{nope}")
    assert "result_storage_key" in (run(lambda: wrong(1)).message or "")


def test_keys_stay_below_the_storage(tmp_path: Path) -> None:
    for key in ("../out", "a/../../out", ""):
        with pytest.raises(ResultError, match="leads out"):
            FolderStorage(tmp_path / "in").write(key, b"")
    assert files(tmp_path) == []


def test_data_leaves_memory_when_the_task_says_so(told: Recording) -> None:
    work = task(lambda: [1, 2], name="work", persist_result=True, cache_result_in_memory=False)

    def body() -> list[int]:
        state = work(return_state=True)
        assert state.data != [1, 2]
        return state.result()

    assert run(body).result() == [1, 2]


def test_a_stored_result_that_is_gone_or_damaged_is_a_missing_or_broken_result(tmp_path: Path) -> None:
    store = ResultStore(FolderStorage(tmp_path))
    stored = store.write("k", [1, 2, 3])
    whole = (tmp_path / "k").read_bytes()
    (tmp_path / "k").write_bytes(whole[:-1])
    with pytest.raises(ResultError, match="incomplete"):
        stored.load()
    (tmp_path / "k").write_bytes(b"something else")
    with pytest.raises(ResultError, match="not a result"):
        stored.load()
    (tmp_path / "k").unlink()
    with pytest.raises(MissingResult):
        stored.load()


def test_a_folder_that_cannot_be_written_fails_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    work = task(lambda: 1, name="work", result_storage=tmp_path / "file" / "below")
    state = run(lambda: work())
    assert state.is_failed()
    assert "cannot be written" in (state.message or "")


def test_no_draft_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ResultError, match="No space left"):
        FolderStorage(tmp_path).write("k", b"data")
    assert list(tmp_path.iterdir()) == []


def test_storages_are_opened_from_folders_addresses_storages_and_blocks(tmp_path: Path) -> None:
    class Block:
        basepath = "bucket"

        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}

        def read_path(self, path: str) -> bytes:
            if path not in self.kept:
                raise ValueError("no such path")
            return self.kept[path]

        def write_path(self, path: str, content: bytes) -> None:
            self.kept[path] = content

    block = Block()
    storage = open_storage(block)
    assert storage.read("k") is None
    storage.write("k", b"v")
    assert (storage.read("k"), storage.locate("k"), block.kept) == (b"v", "bucket/k", {"k": b"v"})
    assert open_storage(storage) is storage
    assert isinstance(open_storage(tmp_path.as_uri()), FolderStorage)
    with pytest.raises(ResultError, match="result_storage"):
        open_storage(3)


def fixed_key(*_: Any) -> str:
    return "fixed"


def test_fsspec_addresses_hold_results_and_the_cache(told: Recording) -> None:
    calls: list[int] = []

    @task(cache_key_fn=fixed_key, result_storage="memory://bucket/results")
    def work() -> int:
        calls.append(1)
        return len(calls)

    assert run(lambda: [work(), work()]).result() == [1, 1]
    address = told.state_events("work-0")[-1]["details"]["result"]
    assert address == f"memory://bucket/results/{told.run_id('work-0')}"
    storage = open_storage("memory://bucket/results")
    assert storage.read("nothing") is None
    with pytest.raises(ResultError, match="leads out"):
        storage.write("../x", b"")


def test_an_fsspec_address_of_an_unknown_kind_names_what_to_install() -> None:
    with pytest.raises(ResultError, match=r"towpath\[remote\]"):
        open_storage("nosuchprotocol://bucket")


def test_the_blocks_that_may_be_named_as_prefect_names_them_are_those_that_store() -> None:
    stores = {
        block_class.get_block_type_slug()
        for block_class in import_builtins()
        if hasattr(block_class, "read_path") and hasattr(block_class, "write_path")
    }
    assert stores == STORING_BLOCKS


def test_a_folder_that_is_named_like_a_block_is_written_with_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("./s3/dev", "s3/dev/deeper", "s3", "data/dev"):
        assert isinstance(open_storage(folder), FolderStorage)
