"""`.map()`: what is mapped over and what goes whole."""

import io
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import allow_failure, flow, task, unmapped
from towpath.errors import MappingLengthMismatch, MappingMissingIterable
from towpath.futures import Future
from towpath.states import State


@task
def join(a: Any, b: Any = (7, 8, 9), *rest: Any) -> Any:
    return (a, b, *rest)


@task
def numbers() -> list[int]:
    return [1, 2, 3]


@task
def fail_on_two(x: int) -> int:
    if x == 2:
        raise ValueError("two")
    return x


def run(body: Any) -> Any:
    return flow(body, name="mapping")()


def test_iterables_are_zipped_and_defaults_are_never_mapped() -> None:
    assert run(lambda: join.map([1, 2], b=(3, 4)).result()) == [(1, 3), (2, 4)]
    assert run(lambda: join.map([1, 2]).result()) == [(1, (7, 8, 9)), (2, (7, 8, 9))]
    assert run(lambda: join.map(range(2), b=(x for x in "xy")).result()) == [(0, "x"), (1, "y")]
    assert run(lambda: join.map({"k": 1, "l": 2}).result())[0][0] == "k"


def test_a_map_gives_a_list_of_futures() -> None:
    def body() -> int:
        futures = join.map([1, 2])
        assert isinstance(futures, list)
        assert all(isinstance(future, Future) for future in futures)
        return len(futures)

    assert run(body) == 2


def test_strings_bytes_files_and_single_values_go_whole() -> None:
    file = io.StringIO("text")
    for whole in ("ab", b"ab", file, 5, None):
        assert run(lambda whole=whole: join.map([1, 2], whole).result()) == [(1, whole), (2, whole)]


def test_unmapped_goes_whole() -> None:
    assert run(lambda: join.map([1, 2], unmapped([5, 6])).result()) == [(1, [5, 6]), (2, [5, 6])]


def test_futures_are_mapped_over_or_go_whole_as_their_data_says() -> None:
    assert run(lambda: join.map(numbers.submit(), 0).result()) == [(1, 0), (2, 0), (3, 0)]
    assert run(lambda: join.map([numbers.submit()], unmapped(numbers.submit())).result()) == [([1, 2, 3], [1, 2, 3])]
    assert run(lambda: join.map(fail_on_two.map([1, 3]), 0).result()) == [(1, 0), (3, 0)]


def test_allow_failure_is_mapped_into() -> None:
    def body() -> list[Any]:
        return [type(pair[0]).__name__ for pair in join.map(allow_failure(fail_on_two.map([1, 2])), 0).result()]

    assert run(body) == ["int", "ValueError"]


def test_nothing_to_map_over_is_refused() -> None:
    with pytest.raises(MappingMissingIterable, match="Given: a, b"):
        run(lambda: join.map(1, unmapped([2])))


def test_different_lengths_are_refused_and_named(told: Recording) -> None:
    with pytest.raises(MappingLengthMismatch, match="a: 2, b: 3"):
        run(lambda: join.map([1, 2], [1, 2, 3]))
    assert told.task_names() == []


def test_mapping_over_nothing_gives_nothing() -> None:
    assert run(lambda: join.map([]).result()) == []


def test_map_can_return_states_and_wait_for_others() -> None:
    def body() -> list[str]:
        states: Any = fail_on_two.map([1, 2], return_state=True, wait_for=[numbers.submit()])
        assert all(isinstance(state, State) for state in states)
        return [state.name for state in states]

    assert run(body) == ["Completed", "Failed"]


def test_results_of_a_map_raise_or_are_returned() -> None:
    def body() -> list[Any]:
        futures = fail_on_two.map([1, 2])
        futures.wait()
        with pytest.raises(ValueError, match="two"):
            futures.result()
        return [str(one) for one in futures.result(raise_on_failure=False)]

    assert run(body) == ["1", "two"]


def test_what_goes_into_double_starred_keywords_is_mapped_too() -> None:
    @task
    def gather(a: int, **others: Any) -> Any:
        return a, others

    expected = [(1, {"b": 3, "c": [7]}), (2, {"b": 4, "c": [7]})]
    assert run(lambda: gather.map([1, 2], b=[3, 4], c=unmapped([7])).result()) == expected
    assert run(lambda: gather.map(0, b=[3, 4]).result()) == [(0, {"b": 3}), (0, {"b": 4})]
    with pytest.raises(MappingLengthMismatch, match="a: 2, b: 1"):
        run(lambda: gather.map([1, 2], b=[3]))
