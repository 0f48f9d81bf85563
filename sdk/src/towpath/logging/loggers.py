"""The loggers of runs: they add to each record which run it belongs to."""

import logging
import os
import threading
import time
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from towpath.context import CURRENT, RunContext
from towpath.errors import MissingContextError
from towpath.logging.setup import set_up_logging

ROOT: Final = "towpath"
FLOW_RUNS: Final = "towpath.flow_runs"
TASK_RUNS: Final = "towpath.task_runs"

_flow_runs = logging.getLogger(FLOW_RUNS)
_task_runs = logging.getLogger(TASK_RUNS)


class EngineRecord(logging.LogRecord):
    """A record of the engine's own: what LogRecord works out of a line of code is the same for all of them."""

    _same: ClassVar[dict[str, Any]] = dict(logging.LogRecord("", 0, "towpath.engine", 0, "", None, None).__dict__)

    def __init__(self, name: str, level: int, message: str, fields: dict[str, Any] | None = None) -> None:
        now = time.time()
        values = self.__dict__
        values.update(self._same)
        values["name"] = name
        values["levelno"] = level
        values["levelname"] = logging.getLevelName(level)
        values["msg"] = message
        values["relativeCreated"] += (now - values["created"]) * 1000
        values["created"] = now
        values["msecs"] = int((now - int(now)) * 1000) + 0.0
        values["thread"] = threading.get_ident()
        values["threadName"] = threading.current_thread().name
        values["process"] = os.getpid()
        if fields:
            values.update(fields)


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """The logger of one run. Its records know the run, so they reach its log from any thread."""

    def __init__(self, context: RunContext, extra: dict[str, Any] | None = None) -> None:
        is_task = context.task_run is not None
        super().__init__(_task_runs if is_task else _flow_runs, extra or {})
        self.context = context
        self._fields = build_fields(context)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**self._fields, **(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def say(self, level: int, message: str) -> None:
        """Logs a line of the engine's own: as `log`, without looking for the line of code it comes from."""
        logger = self.logger
        if logger.isEnabledFor(level):
            logger.handle(EngineRecord(logger.name, level, message, self._fields))

    def getChild(self, suffix: str, extra: dict[str, Any] | None = None) -> "RunLogger":  # noqa: N802 - logging's name
        """A logger of the same run whose name ends in `suffix`."""
        child = RunLogger(self.context, {**(self.extra or {}), **(extra or {})})
        child.logger = self.logger.getChild(suffix)
        return child

    def __reduce__(self) -> Any:
        return get_logger, (self.logger.name,)


def build_fields(context: RunContext) -> dict[str, Any]:
    """What a record tells of its run, under the names that Prefect gives them."""
    flow_run, task_run = context.flow_run, context.task_run
    fields: dict[str, Any] = {"run_context": context}
    if flow_run is not None:
        fields["flow_run_id"] = flow_run.id
        fields["flow_run_name"] = flow_run.name
        fields["flow_name"] = flow_run.flow_name
    if task_run is not None:
        fields["task_run_id"] = task_run.id
        fields["task_run_name"] = task_run.name
        fields["task_name"] = task_run.task_name
    return fields


def logger_of(context: RunContext) -> RunLogger:
    """The logger of a run, kept with its context."""
    logger = context.logger
    if logger is None:
        logger = context.logger = RunLogger(context)
    return logger


def get_run_logger(context: RunContext | None = None, **extra: Any) -> RunLogger:
    """The logger of the innermost run that the caller is in: of the task run in a task, else of the flow run.

    Args:
        context: another run's context, as hooks may have it.
        extra: further fields of each record.

    Raises:
        MissingContextError: the caller is in no run.
    """
    context = context or CURRENT.get()
    if context is None:
        if _is_disabled():
            return _SilentLogger()
        raise MissingContextError(
            "There is no active flow or task run context: call get_run_logger() inside a flow or a task, "
            "or use get_logger() or the standard logging module."
        )
    set_up_logging()
    return RunLogger(context, extra)


def get_logger(name: str | None = None) -> logging.Logger:
    """The logger `towpath.<name>`; of the console, not of a run.

    Args:
        name: without `towpath.` in front; None for `towpath` itself.
    """
    set_up_logging()
    if name is None or name == ROOT:
        return logging.getLogger(ROOT)
    return logging.getLogger(name if name.startswith(f"{ROOT}.") else f"{ROOT}.{name}")


_disabled = 0


def _is_disabled() -> bool:
    return _disabled > 0


class _SilentLogger(RunLogger):
    """Takes the place of a run's logger in tests that call `.fn` outside runs."""

    def __init__(self) -> None:
        logging.LoggerAdapter.__init__(self, logging.getLogger("towpath.null"), {})
        self._fields = {}

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        return False

    def log(self, *args: Any, **kwargs: Any) -> None:
        return


@contextmanager
def disable_run_logger() -> Generator[None]:
    """Within the block `get_run_logger` works outside runs too, and run logs go nowhere: for tests that call `task.fn`."""
    global _disabled
    _disabled += 1
    before = _flow_runs.disabled, _task_runs.disabled
    _flow_runs.disabled = _task_runs.disabled = True
    try:
        yield
    finally:
        _disabled -= 1
        _flow_runs.disabled, _task_runs.disabled = before


def say_outside_runs(message: str) -> None:
    """Logs a line of the engine that belongs to the console only."""
    logger = logging.getLogger("towpath.engine")
    if logger.isEnabledFor(logging.INFO):
        logger.handle(EngineRecord(logger.name, logging.INFO, message))
