"""What a flow and a task are, to the engine: a function and the options it was given, checked once.

`towpath.flows` and `towpath.tasks` add what users call. Runs nothing.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from towpath.contract.limits import MAX_MESSAGE
from towpath.engine.retries import check_jitter, check_retries, plan_delays
from towpath.engine.signatures import Signature
from towpath.errors import DefinitionError

if TYPE_CHECKING:
    from towpath.cache_policies import CachePolicy
    from towpath.task_runners import TaskRunner

Hook = Callable[..., Any]
"""`(flow, flow_run, state)` or `(task, task_run, state)`; may be a coroutine function."""


class Definition:
    """What flows and tasks have in common.

    Attributes:
        fn: the function as it was written.
        delays: seconds before each retry; the last one repeats.
        hooks: by the name of their option, as `on_failure`.
    """

    word: ClassVar[str]
    hook_names: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        fn: Any,
        *,
        name: str,
        description: str | None,
        version: str | None,
        retries: int,
        retry_delay_seconds: Any,
        timeout_seconds: float | timedelta | None,
        persist_result: bool | None,
        result_storage: Any,
        result_serializer: Any,
        cache_result_in_memory: bool,
        log_prints: bool | None,
        hooks: dict[str, Iterable[Hook] | None],
    ) -> None:
        if not callable(fn) and not isinstance(fn, classmethod):
            raise DefinitionError(f"@{self.word} takes a function, not {fn!r}.")
        self.name = _check_name(self.word, name)
        owner = self.owner
        self.fn = cast("Callable[..., Any]", fn)
        self.signature = Signature(fn.__func__ if isinstance(fn, classmethod | staticmethod) else fn)
        self.is_async = self.signature.is_async
        self._description = _check_text(owner, "description", description)
        self._version = _check_text(owner, "version", version)
        self.retries = check_retries(owner, retries)
        self.retry_delay_seconds = retry_delay_seconds
        self.delays = plan_delays(owner, retry_delay_seconds, self.retries)
        self.timeout_seconds = _check_timeout(owner, timeout_seconds)
        self.persist_result = check_flag(owner, "persist_result", persist_result)
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.cache_result_in_memory = check_flag(owner, "cache_result_in_memory", cache_result_in_memory)
        self.log_prints = check_flag(owner, "log_prints", log_prints)
        self.hooks = {option: _check_hooks(owner, option, given) for option, given in hooks.items()}
        self._note_hooks()
        self.__name__: str = getattr(fn, "__name__", type(fn).__name__)
        self.__qualname__ = getattr(fn, "__qualname__", self.__name__)
        self.__module__ = getattr(fn, "__module__", None) or "__main__"
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__wrapped__ = fn

    @property
    def owner(self) -> str:
        """How messages call it: `flow 'etl'`."""
        return f"{self.word} {self.name!r}"

    @property
    def isasync(self) -> bool:
        """Whether the function is asynchronous, under Prefect's name."""
        return self.is_async

    @property
    def description(self) -> str | None:
        """The description given, else the function's docstring."""
        return self._description if self._description is not None else _docstring(self.fn)

    @property
    def version(self) -> str | None:
        """The version given, else a hash of the file that holds the function; None where there is no file."""
        if self._version is None:
            self._version = _hash_of_file(self.fn)
        return self._version or None

    def hook(self, option: str) -> Callable[[Hook], Hook]:
        """A decorator that adds a hook to `option`."""

        def register(fn: Hook) -> Hook:
            self.hooks[option] = [*self.hooks.get(option, []), *_check_hooks(self.owner, option, [fn])]
            self._note_hooks()
            return fn

        return register

    def _note_hooks(self) -> None:
        self.has_hooks = any(self.hooks.values())
        self.has_transaction_hooks = bool(self.hooks.get("on_rollback") or self.hooks.get("on_commit"))

    def on_completion(self, fn: Hook) -> Hook:
        """Adds a hook for runs that end COMPLETED; a decorator."""
        return self.hook("on_completion")(fn)

    def on_failure(self, fn: Hook) -> Hook:
        """Adds a hook for runs that end FAILED; a decorator."""
        return self.hook("on_failure")(fn)


class FlowDefinition(Definition):
    """A flow, to the engine."""

    word = "flow"
    hook_names = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")

    flow_run_name: Any
    task_runner: "TaskRunner | None"
    should_validate_parameters: bool


class TaskDefinition(Definition):
    """A task, to the engine.

    Attributes:
        jitter: how far a retry's delay may be from what was asked, as a factor.
        is_cached: whether runs look for an earlier result.
        has_result_options: whether it says how results are stored, which implies that they are.
    """

    word = "task"
    hook_names = ("on_completion", "on_failure", "on_rollback", "on_commit")

    tags: frozenset[str]
    task_run_name: Any
    retry_condition_fn: Callable[[Any, Any, Any], bool] | None
    retry_jitter_factor: float | None
    jitter: float
    cache_key_fn: Callable[[Any, dict[str, Any]], Any] | None
    cache_policy: "CachePolicy | None"
    cache_expiration: Any
    refresh_cache: bool | None
    result_storage_key: Any
    is_cached: bool
    has_result_options: bool

    @property
    def task_key(self) -> str:
        """Names the task's function: its qualified name without the module, which differs from one way of loading to the next."""
        return self.__qualname__

    def check_task_options(self) -> None:
        """Checks what only tasks have.

        Raises:
            DefinitionError: an option makes no sense; the message names it.
        """
        self.jitter = check_jitter(self.owner, self.retry_jitter_factor)
        is_policy = self.cache_policy is not None and type(self.cache_policy).__name__ != "NoCache"
        self.is_cached = self.persist_result is not False and (self.cache_key_fn is not None or is_policy)
        options = (self.result_storage, self.result_serializer, self.result_storage_key)
        self.has_result_options = any(option is not None for option in options)
        if self.retry_condition_fn is not None and not callable(self.retry_condition_fn):
            raise DefinitionError(
                f"{self.owner}: retry_condition_fn must be a function, not {self.retry_condition_fn!r}."
            )
        if self.cache_key_fn is not None and not callable(self.cache_key_fn):
            raise DefinitionError(f"{self.owner}: cache_key_fn must be a function, not {self.cache_key_fn!r}.")
        if self.cache_policy is not None and not callable(getattr(self.cache_policy, "compute_key", None)):
            raise DefinitionError(
                f"{self.owner}: cache_policy must be a policy of towpath.cache_policies, as INPUTS, not {self.cache_policy!r}."
            )
        expiration = self.cache_expiration
        if expiration is not None and (not isinstance(expiration, timedelta) or expiration < timedelta(0)):
            raise DefinitionError(
                f"{self.owner}: cache_expiration must be a timedelta of at least 0, as timedelta(hours=1), not {expiration!r}."
            )
        check_flag(self.owner, "refresh_cache", self.refresh_cache)
        check_run_name(self.owner, "task_run_name", self.task_run_name)
        if self.result_storage_key is not None and not isinstance(self.result_storage_key, str):
            raise DefinitionError(
                f"{self.owner}: result_storage_key must be a string, not {self.result_storage_key!r}."
            )


def _check_name(word: str, name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"@{word}: name must be a string with at least one character, not {name!r}.")
    if len(name) > 500:
        raise DefinitionError(f"@{word}: name must have at most 500 characters; this one has {len(name)}.")
    return name


def _check_text(owner: str, option: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DefinitionError(f"{owner}: {option} must be a string, not {value!r}.")
    return value


def check_flag(owner: str, option: str, value: Any) -> Any:
    """`value` if it is True, False or None.

    Raises:
        DefinitionError: it is not.
    """
    if value is not None and not isinstance(value, bool):
        raise DefinitionError(f"{owner}: {option} must be True or False, not {value!r}.")
    return value


def check_run_name(owner: str, option: str, template: Any) -> None:
    """Raises DefinitionError unless `template` is a text, a function or None."""
    if template is not None and not isinstance(template, str) and not callable(template):
        raise DefinitionError(f"{owner}: {option} must be a string or a function, not {template!r}.")


def check_task_runner(owner: str, runner: Any) -> None:
    """Raises DefinitionError unless `runner` is a task runner or None."""
    if runner is not None and not (hasattr(runner, "duplicate") and hasattr(runner, "submit")):
        raise DefinitionError(
            f"{owner}: task_runner must be a task runner, as ThreadPoolTaskRunner(max_workers=4), not {runner!r}."
        )


def check_tags(owner: str, tags: Any) -> frozenset[str]:
    """The tags.

    Raises:
        DefinitionError: they are no list of texts of 1 to 500 characters, or more than 200.
    """
    given: list[Any] = [] if tags is None else [tags] if isinstance(tags, str) else list(tags)
    if isinstance(tags, str) or any(not isinstance(tag, str) or not 0 < len(tag) <= 500 for tag in given):
        raise DefinitionError(f"{owner}: tags must be a list of strings of 1 to 500 characters, not {tags!r}.")
    if len(given) > 200:
        raise DefinitionError(f"{owner}: there can be at most 200 tags, not {len(given)}.")
    return frozenset(given)


def _check_timeout(owner: str, seconds: Any) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise DefinitionError(f"{owner}: timeout_seconds must be more than 0, not {seconds!r}.")
    return float(seconds)


def _check_hooks(owner: str, option: str, hooks: Iterable[Hook] | None) -> list[Hook]:
    if hooks is None:
        return []
    if callable(hooks) or isinstance(hooks, str):
        raise DefinitionError(f"{owner}: {option} takes a list of functions; write {option}=[...].")
    given = list(hooks)
    for fn in given:
        if not callable(fn):
            raise DefinitionError(f"{owner}: {option} takes functions, not {fn!r}.")
    return given


def _docstring(fn: Any) -> str | None:
    text = getattr(fn, "__doc__", None)
    if not text:
        return None
    from inspect import cleandoc  # noqa: PLC0415 - 4 ms that flows without a docstring do not pay

    return cleandoc(text)[:MAX_MESSAGE]


def _hash_of_file(fn: Any) -> str:
    """A hash of the file that holds `fn`; empty where there is none to read."""
    while not isinstance(fn, FunctionType):
        inner = getattr(fn, "__wrapped__", None) or getattr(fn, "__func__", None) or getattr(fn, "func", None)
        if inner is None:
            return ""
        fn = inner
    import hashlib  # noqa: PLC0415 - 3 ms that defining a flow does not pay

    try:
        with open(fn.__code__.co_filename, "rb") as file:  # noqa: PTH123 - pathlib is not imported yet
            return hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
    except OSError:
        return ""
