"""Methods, static and class methods, partials and callable objects as flows and tasks."""

from functools import partial, wraps
from typing import Any

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.futures import Future


class Store:
    def __init__(self, base: int) -> None:
        self.base = base

    @task
    def plus(self, x: int) -> int:
        return self.base + x

    @task
    @staticmethod
    def twice(x: int) -> int:
        return 2 * x

    @task
    @classmethod
    def name_of_class(cls, suffix: str) -> str:
        return cls.__name__ + suffix

    @flow
    def whole(self, x: int) -> int:
        future: Future[int] = self.plus.submit(x)
        return future.result() + self.plus(1)

    @task(name="renamed", retries=3, tags=["t"])
    def with_options_kept(self) -> int:
        return self.base


def test_methods_are_bound_to_their_instance(told: Recording) -> None:
    assert Store(10).whole(2) == 23
    assert told.of_kind("flow_run")[0]["parameters"] == {"x": 2}
    assert told.task_names() == ["plus-0", "plus-1"]


def test_static_and_class_methods() -> None:
    assert Store.twice(4) == 8
    assert Store(1).twice(4) == 8
    assert Store.name_of_class("!") == "Store!"
    assert Store(1).name_of_class.submit("?").result() == "Store?"


def test_a_bound_task_keeps_its_options() -> None:
    bound = Store(5).with_options_kept
    assert (bound.name, bound.retries, bound.tags) == ("renamed", 3, {"t"})
    assert bound() == 5


def test_a_task_on_its_class_is_the_task() -> None:
    assert Store.plus(Store(3), 4) == 7


def test_partials_callable_objects_and_wrapped_functions() -> None:
    def add(a: int, b: int = 0) -> int:
        return a + b

    class Callable:
        def __call__(self, a: int) -> int:
            return a * 100

    @wraps(add)
    def wrapper(*args: Any, **kwargs: Any) -> int:
        return add(*args, **kwargs)

    assert task(partial(add, b=2), name="partial")(1) == 3
    assert task(Callable())(2) == 200
    assert task(Callable()).name == "Callable"
    assert task(wrapper)(1, b=5) == 6
    assert task(wrapper).name == "add"
    built_in: Any = max
    assert task(built_in, name="built-in")([1, 3]) == 3
