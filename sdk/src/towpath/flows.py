"""`@flow` and what it makes. The engine runs it; this module is what users call and what type checkers see."""

from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

from towpath.engine.definitions import FlowDefinition, Hook, check_flag, check_run_name, check_task_runner
from towpath.engine.retries import RetryDelay
from towpath.tasks import bind_method, check_option_names, name_of

if TYPE_CHECKING:
    from towpath.context import FlowRun
    from towpath.states import State
    from towpath.task_runners import TaskRunner

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")

FlowHook = Callable[["Flow[..., Any]", "FlowRun", "State[Any]"], Any]

__all__ = ["Flow", "flow"]


if TYPE_CHECKING:

    class FlowOptions(TypedDict, total=False):
        """The options of `@flow`; see there."""

        name: str | None
        version: str | None
        flow_run_name: str | Callable[..., str] | None
        retries: int
        retry_delay_seconds: RetryDelay
        task_runner: TaskRunner | type[TaskRunner] | None
        description: str | None
        timeout_seconds: float | timedelta | None
        validate_parameters: bool
        persist_result: bool | None
        result_storage: Any
        result_serializer: Any
        cache_result_in_memory: bool
        log_prints: bool | None
        on_completion: Iterable[FlowHook] | None
        on_failure: Iterable[FlowHook] | None
        on_cancellation: Iterable[FlowHook] | None
        on_crashed: Iterable[FlowHook] | None
        on_running: Iterable[FlowHook] | None


class Flow(FlowDefinition, Generic[P, R]):
    """A flow: a function whose every run is tracked, with the task runs in it. Made by `@flow`; see there for the options."""

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
        version: str | None = None,
        flow_run_name: str | Callable[..., str] | None = None,
        retries: int = 0,
        retry_delay_seconds: RetryDelay = 0,
        task_runner: "TaskRunner | type[TaskRunner] | None" = None,
        description: str | None = None,
        timeout_seconds: float | timedelta | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: Iterable[Hook] | None = None,
        on_failure: Iterable[Hook] | None = None,
        on_cancellation: Iterable[Hook] | None = None,
        on_crashed: Iterable[Hook] | None = None,
        on_running: Iterable[Hook] | None = None,
    ) -> None:
        self.flow_run_name = flow_run_name
        self.task_runner = task_runner() if isinstance(task_runner, type) else task_runner
        self.should_validate_parameters = validate_parameters
        super().__init__(
            fn,
            name=name if name is not None else name_of(fn).replace("_", "-"),
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
                "on_cancellation": on_cancellation,
                "on_crashed": on_crashed,
                "on_running": on_running,
            },
        )
        check_flag(self.owner, "validate_parameters", validate_parameters)
        check_run_name(self.owner, "flow_run_name", flow_run_name)
        check_task_runner(self.owner, self.task_runner)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] - NoReturn is what has no type
        self: "Flow[..., NoReturn]",
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] | None = None,
        **kwargs: Any,
    ) -> "State[Any]": ...
    @overload
    def __call__(
        self: "Flow[..., Coroutine[Any, Any, T]]",
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
        """Runs the flow here and now; within a flow or a task, as a subflow.

        Args:
            return_state: give the State it ends in, in place of the data, and raise nothing.
            wait_for: futures and states that must complete first; for subflows only.

        Raises:
            Whatever the flow raises; ParameterBindError or ParameterTypeError when the arguments do not fit.
        """
        from towpath.engine.running import call_flow  # noqa: PLC0415 - the engine loads with the first run: 15 ms

        try:
            return call_flow(self, args, kwargs, return_state=return_state, wait_for=wait_for)
        except BaseException as error:
            from towpath.tracebacks import without_engine_frames  # noqa: PLC0415 - loads the settings, which defining needs not

            without_engine_frames(error)
            raise

    def with_options(self, **options: "Unpack[FlowOptions]") -> "Flow[P, R]":
        """This flow with other options; all that is not given stays."""
        kept, given = self._options(), cast("dict[str, Any]", options)
        check_option_names("with_options() of a flow", given, kept)
        return Flow(self.fn, **{**kept, **given})

    def _options(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self._version,
            "flow_run_name": self.flow_run_name,
            "retries": self.retries,
            "retry_delay_seconds": self.retry_delay_seconds,
            "task_runner": self.task_runner,
            "description": self._description,
            "timeout_seconds": self.timeout_seconds,
            "validate_parameters": self.should_validate_parameters,
            "persist_result": self.persist_result,
            "result_storage": self.result_storage,
            "result_serializer": self.result_serializer,
            "cache_result_in_memory": self.cache_result_in_memory,
            "log_prints": self.log_prints,
            **self.hooks,
        }

    def on_cancellation(self, fn: Hook) -> Hook:
        """Adds a hook for runs that are cancelled; a decorator."""
        return self.hook("on_cancellation")(fn)

    def on_crashed(self, fn: Hook) -> Hook:
        """Adds a hook for runs that crash; a decorator."""
        return self.hook("on_crashed")(fn)

    def on_running(self, fn: Hook) -> Hook:
        """Adds a hook for runs that begin, or begin again; a decorator."""
        return self.hook("on_running")(fn)

    def __get__(self, instance: object, owner: type | None = None) -> "Flow[..., Any]":
        """The flow as a method: bound to the instance, as functions are."""
        bound = bind_method(self.fn, instance, owner)
        if bound is None:
            return self
        return Flow(bound, **self._options())

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            way_out = _NOT_OF_FLOWS.get(name)
            raise AttributeError(f"A flow has no {name!r}" + (f": {way_out}." if way_out else "."), name=name, obj=self)

    def __repr__(self) -> str:
        return f"Flow({self.name!r})"


_NOT_OF_FLOWS = {
    "submit": "call it, call several asynchronous ones in asyncio.gather(), or submit a task that calls it",
    "map": "call it in a loop, or map a task that calls it",
    "serve": "make a deployment of it, with `towpath deployment build`, and start an agent",
    "deploy": "make a deployment of it, with `towpath deployment build`",
}
"""What people look for on a flow, and what there is in its place."""


@overload
def flow(__fn: Callable[P, R], /, **options: "Unpack[FlowOptions]") -> Flow[P, R]: ...
@overload
def flow(**options: "Unpack[FlowOptions]") -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(__fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a flow of a function: each of its runs is tracked, and its task runs with it.

    Args:
        name: default the function's name with `_` turned into `-`.
        version: default a hash of the file.
        flow_run_name: a template for `str.format(**parameters)`, or a function; default two words.
        retries: how many times a failed run is tried again, in the same process.
        retry_delay_seconds: seconds before each retry: a number, a list whose last value repeats, or a function of `retries`.
        task_runner: where submitted tasks run; default threads.
        description: default the function's docstring.
        timeout_seconds: how long one try may take; then it is FAILED, named TimedOut.
        validate_parameters: whether arguments are checked and coerced by the annotations.
        persist_result, result_storage, result_serializer, cache_result_in_memory: as for `@task`; tasks inherit the storage
            and the serializer.
        log_prints: whether `print` writes to the run's log; tasks and subflows inherit it.
        on_completion, on_failure, on_cancellation, on_crashed, on_running: functions called with (flow, flow_run, state).

    Raises:
        DefinitionError: an option makes no sense; the message names it.
        ReservedArgumentError: the function has a parameter named `return_state` or `wait_for`.
    """
    check_option_names("@flow", options, Flow.__init__.__kwdefaults__ or ())
    if __fn is not None:
        return Flow(__fn, **options)

    def decorate(fn: Callable[..., Any]) -> Flow[..., Any]:
        return Flow(fn, **options)

    return decorate
