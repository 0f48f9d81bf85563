"""Marks on the arguments of a task: `unmapped`, `allow_failure`, `quote`. Read by the engine where it resolves inputs."""

from typing import Any, Generic, TypeVar

T = TypeVar("T", covariant=True)


class BaseAnnotation(Generic[T]):
    """A value with a mark."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """The value without the mark."""
        return self.value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.value == getattr(other, "value", None)

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(BaseAnnotation[T]):  # noqa: N801 - reads like a function, as in Prefect
    """`.map()` gives the value whole to every run, even if it could be iterated over."""

    __slots__ = ()

    def __getitem__(self, _: object) -> T:
        return self.value


class allow_failure(BaseAnnotation[T]):  # noqa: N801 - as above
    """The task runs even if the run that this future or state belongs to FAILED, and gets the exception in its place."""

    __slots__ = ()


class quote(BaseAnnotation[T]):  # noqa: N801 - as above
    """The value goes to the task as it is: nobody looks for futures and states within it."""

    __slots__ = ()


class Quote(quote[T]):
    """`quote`, under Prefect's older name."""

    __slots__ = ()


def as_list(value: Any) -> list[Any]:
    """`value` as a list: what it holds if it is a collection or an iterator, nothing if None, else itself alone."""
    if value is None:
        return []
    if isinstance(value, str | bytes | BaseAnnotation) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)
