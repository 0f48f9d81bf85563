"""`@task` and what it makes. The engine runs it; this module is what users call and what type checkers see."""

from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

from towpath.engine.definitions import Hook, TaskDefinition, check_tags
from towpath.engine.retries import RetryDelay, exponential_backoff

if TYPE_CHECKING:
    from towpath.cache_policies import CachePolicy
    from towpath.context import TaskRun
    from towpath.futures import AsyncFuture, AsyncFutureList, Future, FutureList
    from towpath.states import State
    from towpath.transactions import Transaction

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")

TaskHook = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], Any]
RetryCondition = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], bool]

__all__ = ["Task", "exponential_backoff", "task", "task_input_hash"]


if TYPE_CHECKING:

    class TaskOptions(TypedDict, total=False):
        """The options of `@task`; see there."""

        name: str | None
        description: str | None
        tags: Iterable[str] | None
        version: str | None
        cache_policy: CachePolicy | None
        cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None
        cache_expiration: timedelta | None
        task_run_name: str | Callable[..., str] | None
        retries: int
        retry_delay_seconds: RetryDelay
        retry_jitter_factor: float | None
        persist_result: bool | None
        result_storage: Any
        result_serializer: Any
        result_storage_key: str | None
        cache_result_in_memory: bool
        timeout_seconds: float | timedelta | None
        log_prints: bool | None
        refresh_cache: bool | None
        on_completion: Iterable[TaskHook] | None
        on_failure: Iterable[TaskHook] | None
        on_rollback: Iterable[Callable[[Transaction], Any]] | None
        on_commit: Iterable[Callable[[Transaction], Any]] | None
        retry_condition_fn: RetryCondition | None


class Task(TaskDefinition, Generic[P, R]):
    """A task: a function whose every run is tracked. Made by `@task`; see there for the options."""

    if TYPE_CHECKING:

        @property
        def fn(self) -> Callable[P, R]:  # pyright: ignore[reportIncompatibleVariableOverride] - an attribute, typed
            """The function as it was written; calling it runs nothing but it."""
            ...

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: "CachePolicy | None" = None,
        cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None = None,
        cache_expiration: timedelta | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        retries: int = 0,
        retry_delay_seconds: RetryDelay = 0,
        retry_jitter_factor: float | None = None,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        result_storage_key: str | None = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | timedelta | None = None,
        log_prints: bool | None = None,
        refresh_cache: bool | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        on_rollback: "Iterable[Callable[[Transaction], Any]] | None" = None,
        on_commit: "Iterable[Callable[[Transaction], Any]] | None" = None,
        retry_condition_fn: RetryCondition | None = None,
    ) -> None:
        self.task_run_name = task_run_name
        self.tags = check_tags("@task", tags)
        self.cache_policy = cache_policy
        self.cache_key_fn = cache_key_fn
        self.cache_expiration = cache_expiration
        self.refresh_cache = refresh_cache
        self.result_storage_key = result_storage_key
        self.retry_jitter_factor = retry_jitter_factor
        self.retry_condition_fn = retry_condition_fn
        super().__init__(
            fn,
            name=name if name is not None else name_of(fn),
            description=description,
            version=version,
            retries=retries,
            retry_delay_seconds=retry_delay_seconds,
            timeout_seconds=timeout_seconds,
            persist_result=persist_result,
            result_storage=result_storage,
            result_serializer=result_serializer,
            cache_result_in_memory=cache_result_in_memory,
            log_prints=log_prints,
            hooks={
                "on_completion": on_completion,
                "on_failure": on_failure,
                "on_rollback": on_rollback,
                "on_commit": on_commit,
            },
        )
        self.check_task_options()

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - NoReturn is what has no type
        self: "Task[..., NoReturn]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[Any]": ...
    @overload
    def __call__(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "Coroutine[Any, Any, State[T]]": ...
    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "State[R]": ...
    @overload
    def __call__(
        self, *args: Any, wait_for: Iterable[Any] | None, return_state: Literal[False] = False, **kwargs: Any
    ) -> R: ...
    def __call__(  # pyright: ignore[reportInconsistentOverload] - the reserved words are not the function's
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Runs the task here and now.

        Args:
            return_state: give the State it ends in, in place of the data, and raise nothing.
            wait_for: futures and states that must complete first.

        Raises:
            Whatever the task raises; ParameterBindError when the arguments do not fit.
        """
        try:
            return _engine().call_task(self, args, kwargs, return_state=return_state, wait_for=wait_for)
        except BaseException as error:
            from towpath.tracebacks import without_engine_frames  # noqa: PLC0415 - loads the settings, which defining needs not

            without_engine_frames(error)
            raise

    @overload
    def submit(  # pyright: ignore[reportOverlappingOverload] - NoReturn is what has no type
        self: "Task[..., NoReturn]",
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "Future[Any]": ...
    @overload
    def submit(self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs) -> "AsyncFuture[T]": ...
    @overload
    def submit(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "AsyncFuture[T]": ...
    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> "Future[R]": ...
    @overload
    def submit(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "State[R]": ...
    @overload
    def submit(
        self, *args: Any, return_state: Literal[False] = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "Future[R]": ...
    def submit(  # pyright: ignore[reportInconsistentOverload] - the reserved words are not the function's
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Submits the task to the flow's task runner and gives a future at once.

        Args:
            args, kwargs: the arguments; futures among them, also within collections, are waited for and give their data.
            return_state: wait, and give the State the run ends in.
            wait_for: futures and states that must complete first.
        """
        future = _engine().submit_task(self, args, kwargs, wait_for=wait_for)
        return future.wait() if return_state else future

    @overload
    def map(  # pyright: ignore[reportOverlappingOverload] - NoReturn is what has no type
        self: "Task[..., NoReturn]",
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "FutureList[Any]": ...
    @overload
    def map(
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "AsyncFutureList[T]": ...
    @overload
    def map(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> "list[State[R]]": ...
    @overload
    def map(
        self,
        *args: Any,
        return_state: Literal[False] = False,
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "FutureList[R]": ...
    def map(self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any) -> Any:
        """Submits one run for each element of the iterables among the arguments, which are zipped.

        Strings, bytes and files go whole, as does what is marked `unmapped`; defaults are never mapped.

        Raises:
            MappingMissingIterable: nothing to map over.
            MappingLengthMismatch: the iterables differ in length.
        """
        from towpath.engine.mapping import map_task  # noqa: PLC0415 - the engine loads with the first run

        return map_task(self, args, kwargs, return_state=return_state, wait_for=wait_for)

    def on_rollback(self, fn: "Callable[[Transaction], Any]") -> "Callable[[Transaction], Any]":
        """Adds a hook that undoes what the task did, when its transaction is rolled back; a decorator."""
        self.hook("on_rollback")(cast("Hook", fn))
        return fn

    def on_commit(self, fn: "Callable[[Transaction], Any]") -> "Callable[[Transaction], Any]":
        """Adds a hook for the commit of the task's transaction; a decorator."""
        self.hook("on_commit")(cast("Hook", fn))
        return fn

    def with_options(self, **options: "Unpack[TaskOptions]") -> "Task[P, R]":
        """This task with other options; tags replace the tags it has, all else that is not given stays."""
        kept, given = self._options(), cast("dict[str, Any]", options)
        check_option_names("with_options() of a task", given, kept)
        return Task(self.fn, **{**kept, **given})

    def _options(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self._description,
            "tags": self.tags,
            "version": self._version,
            "cache_policy": self.cache_policy,
            "cache_key_fn": self.cache_key_fn,
            "cache_expiration": self.cache_expiration,
            "task_run_name": self.task_run_name,
            "retries": self.retries,
            "retry_delay_seconds": self.retry_delay_seconds,
            "retry_jitter_factor": self.retry_jitter_factor,
            "persist_result": self.persist_result,
            "result_storage": self.result_storage,
            "result_serializer": self.result_serializer,
            "result_storage_key": self.result_storage_key,
            "cache_result_in_memory": self.cache_result_in_memory,
            "timeout_seconds": self.timeout_seconds,
            "log_prints": self.log_prints,
            "refresh_cache": self.refresh_cache,
            "retry_condition_fn": self.retry_condition_fn,
            **self.hooks,
        }

    def __get__(self, instance: object, owner: type | None = None) -> "Task[..., Any]":
        """The task as a method: bound to the instance, as functions are."""
        bound = bind_method(self.fn, instance, owner)
        if bound is None:
            return self
        return Task(bound, **self._options())

    def __repr__(self) -> str:
        return f"Task({self.name!r})"


def name_of(fn: Any) -> str:
    """A function's name."""
    inner = getattr(fn, "__func__", fn)
    name = getattr(inner, "__name__", None) or getattr(getattr(inner, "func", None), "__name__", None)
    return name or type(fn).__name__


def bind_method(fn: Any, instance: object, owner: type | None) -> Any:
    """`fn` bound as an attribute of `instance` or `owner`; None where there is nothing to bind."""
    if isinstance(fn, classmethod | staticmethod) or instance is not None:
        return fn.__get__(instance, owner)
    return None


def check_option_names(caller: str, options: dict[str, Any], known: Iterable[str]) -> None:
    """Raises TypeError, as a call with such a keyword would, for options that there are not."""
    for name in options:
        if name not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - loads for mistakes only

            close = get_close_matches(name, known, 1)
            way_out = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known)}."
            raise TypeError(f"{caller} got an unexpected option {name!r}; {way_out}")


def _engine() -> Any:
    from towpath.engine import running  # noqa: PLC0415 - the engine loads with the first run: 15 ms

    return running


@overload
def task(__fn: Callable[P, R], /, **options: "Unpack[TaskOptions]") -> Task[P, R]: ...
@overload
def task(**options: "Unpack[TaskOptions]") -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(__fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a task of a function: each of its runs is tracked, retried, cached and logged as the options say.

    Args:
        name: default the function's name.
        description: default its docstring.
        tags: of every run, beside those of `with tags(...)`.
        version: a label for people.
        cache_policy: how the cache key is made, as `INPUTS + TASK_SOURCE`; see `towpath.cache_policies`.
        cache_key_fn: makes the cache key from (context, parameters); None as a key means no caching for that run.
        cache_expiration: how long a cached result counts; default for ever.
        task_run_name: a template for `str.format(**parameters)`, or a function.
        retries: how many times a failed run is tried again.
        retry_delay_seconds: seconds before each retry: a number, a list whose last value repeats, or a function of `retries`.
        retry_jitter_factor: spreads the delays; 0.5 gives from half to one and a half times the delay.
        persist_result: whether the result is stored; default as the setting and as caching and flow retries need.
        result_storage: a folder, an fsspec address or a filesystem to store it in.
        result_serializer: `pickle` (default), `json`, `compressed/pickle`, ... or a Serializer.
        result_storage_key: a template for the name it is stored under.
        cache_result_in_memory: whether the data stays in memory once it is stored.
        timeout_seconds: how long one try may take; then it is FAILED, named TimedOut.
        log_prints: whether `print` writes to the run's log; default as the flow says, then the setting.
        refresh_cache: run in any case and store anew.
        on_completion, on_failure: functions called with (task, task_run, state) at such an end.
        on_rollback, on_commit: functions called with the transaction, when it is undone or done.
        retry_condition_fn: called with (task, task_run, state) before a retry; no retry unless it gives True.

    Raises:
        DefinitionError: an option makes no sense; the message names it.
        ReservedArgumentError: the function has a parameter named `return_state` or `wait_for`.
    """
    check_option_names("@task", options, Task.__init__.__kwdefaults__ or ())
    if __fn is not None:
        return Task(__fn, **options)

    def decorate(fn: Callable[..., Any]) -> Task[..., Any]:
        return Task(fn, **options)

    return decorate


def task_input_hash(context: Any, arguments: dict[str, Any]) -> str | None:
    """A `cache_key_fn`: the task, its code with its constants, and the arguments; None when they cannot be hashed."""
    from towpath.engine.hashing import hash_task_inputs  # noqa: PLC0415 - hashlib and json load with the first cached run

    return hash_task_inputs(context.task, arguments)
