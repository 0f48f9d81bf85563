"""Cache policies: how the key of a task's cached result is made. `a + b` takes both, `policy - "name"` leaves an argument out.

    @task(cache_policy=INPUTS + TASK_SOURCE)

Called by the engine when a task run is about to start. Pure, but for the functions that users give.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from towpath.context import TaskRunContext

KeyFunction = Callable[["TaskRunContext", dict[str, Any]], str | None]


class CachePolicy:
    """Makes cache keys.

    Attributes:
        key_storage: where the cache's index is kept, as `result_storage`; None: with the results.
        excluded: arguments that do not count.
    """

    key_storage: Any = None
    excluded: frozenset[str] = frozenset()

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        """The key for a run with these arguments; None: the run is not cached."""
        raise NotImplementedError

    def configure(self, *, key_storage: Any = None) -> "CachePolicy":
        """This policy with its index kept elsewhere."""
        other = _copy(self)
        other.key_storage = key_storage
        return other

    def __add__(self, other: "CachePolicy | None") -> "CachePolicy":
        if other is None or isinstance(other, NoCache):
            return self
        if isinstance(self, NoCache):
            return other
        return Together([self, other])

    def __sub__(self, name: str) -> "CachePolicy":
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users may not check their types
            raise TypeError(f"Subtract the name of an argument from a cache policy, not {name!r}.")
        other = _copy(self)
        other.excluded = self.excluded | {name}
        return other

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    @staticmethod
    def from_cache_key_fn(cache_key_fn: KeyFunction) -> "CachePolicy":
        """The policy that a `cache_key_fn` is."""
        return CacheKeyFunction(cache_key_fn)


def _copy(policy: CachePolicy) -> CachePolicy:
    other = object.__new__(type(policy))
    vars(other).update(vars(policy))
    return other


class Inputs(CachePolicy):
    """The arguments."""

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        counted = {name: value for name, value in inputs.items() if name not in self.excluded}
        return _hash(counted)


class TaskSource(CachePolicy):
    """What the task's function does: its code with its constants, wherever it was loaded from."""

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        from towpath.engine.hashing import hash_function  # noqa: PLC0415 - hashlib loads with the first cached run

        return hash_function(context.task.fn)


class RunId(CachePolicy):
    """The flow run, so that results are shared within it; outside flows, the task run."""

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        return context.flow_run.id if context.flow_run is not None else context.task_run.id


class FlowParameters(CachePolicy):
    """The flow run's parameters."""

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        if context.flow_run is None:
            return None
        parameters = context.flow_run.parameters
        return _hash({name: value for name, value in parameters.items() if name not in self.excluded})


class NoCache(CachePolicy):
    """No caching."""

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        return None


class CacheKeyFunction(CachePolicy):
    """What a `cache_key_fn` says, as it says it."""

    def __init__(self, cache_key_fn: KeyFunction) -> None:
        self.cache_key_fn = cache_key_fn

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        key = self.cache_key_fn(context, {name: value for name, value in inputs.items() if name not in self.excluded})
        if key is not None and not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"cache_key_fn must give a string or None, not {key!r}.")
        return key


class Together(CachePolicy):
    """Several policies: their keys make one key. A policy without a key takes no part; without any key there is none."""

    def __init__(self, policies: list[CachePolicy]) -> None:
        self.policies = policies
        self.key_storage = next((one.key_storage for one in policies if one.key_storage is not None), None)

    def compute_key(self, context: "TaskRunContext", inputs: dict[str, Any]) -> str | None:
        counted = {name: value for name, value in inputs.items() if name not in self.excluded}
        keys = [policy.compute_key(context, counted) for policy in self.policies]
        found = [key for key in keys if key is not None]
        return _hash(found) if found else None


def _hash(value: Any) -> str | None:
    from towpath.engine.hashing import hash_value  # noqa: PLC0415 - hashlib and json load with the first cached run

    key = hash_value(value)
    if key is None:
        raise ValueError(
            "an argument can be written neither as JSON nor with cloudpickle: leave it out with `policy - 'name'`, "
            "or use cache_policy=NO_CACHE."
        )
    return key


INPUTS: Final = Inputs()
TASK_SOURCE: Final = TaskSource()
RUN_ID: Final = RunId()
FLOW_PARAMETERS: Final = FlowParameters()
NO_CACHE: Final = NoCache()
NONE: Final = NO_CACHE
DEFAULT: Final = INPUTS + TASK_SOURCE + RUN_ID
