"""The handlers: to the console for people, to the run's teller for the API. Attached by `setup`."""

import logging
import sys
import time
from typing import Any, TextIO

from towpath.context import CURRENT, RunContext
from towpath.contract.limits import MAX_LOG_MESSAGE, cut

_COLOURS = {"DEBUG": "\x1b[36m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
_NAME, _RESET = "\x1b[35m", "\x1b[0m"


class RunFormatter(logging.Formatter):
    """`HH:MM:SS.mmm | LEVEL   | Flow run 'x' - message`; other loggers show their name. Coloured for terminals only."""

    def __init__(self, is_coloured: bool = False) -> None:
        super().__init__()
        self.is_coloured = is_coloured
        self._second = -1
        self._clock = ""

    def format(self, record: logging.LogRecord) -> str:
        created = record.created
        second = int(created)
        if second != self._second:
            self._clock = time.strftime("%H:%M:%S", time.localtime(second))
            self._second = second
        fields = record.__dict__
        if "task_run_name" in fields:
            source = f"Task run {fields['task_run_name']!r}"
        elif "flow_run_name" in fields:
            source = f"Flow run {fields['flow_run_name']!r}"
        else:
            source = record.name
        level = f"{record.levelname:<7}"
        if self.is_coloured:
            colour = _COLOURS.get(record.levelname)
            level = f"{colour}{level}{_RESET}" if colour else level
            source = f"{_NAME}{source}{_RESET}"
        line = f"{self._clock}.{int(created * 1000) % 1000:03d} | {level} | {source} - {record.getMessage()}"
        return line + _trouble(record) if record.exc_info or record.stack_info else line


def _trouble(record: logging.LogRecord) -> str:
    """The traceback and the stack of a record, each on lines of its own."""
    text = ""
    if record.exc_info:
        if not record.exc_text:
            record.exc_text = _plain.formatException(record.exc_info)
        text += f"\n{record.exc_text}"
    if record.stack_info:
        text += f"\n{record.stack_info}"
    return text


_plain = logging.Formatter()


class _NoLock:
    """Stands where logging has a handler's lock; false, so that versions of logging that ask do not even call it."""

    def __bool__(self) -> bool:
        return False

    def acquire(self) -> None:
        return

    def release(self) -> None:
        return

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


_NO_LOCK = _NoLock()


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is when the line comes, so that redirections and captures see it.

    Without a lock: each record is one `write`, and threads that log would wait for one another at every line.
    """

    def __init__(self, wants_colour: bool | None = None) -> None:
        logging.Handler.__init__(self)
        self._wants_colour = wants_colour
        self._stream_seen: Any = None
        self.formatter = RunFormatter()

    def createLock(self) -> None:  # noqa: N802 - logging's name
        self.lock: Any = _NO_LOCK

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride] - follows sys.stderr
        stream: TextIO = sys.stderr
        if stream is not self._stream_seen:
            self._stream_seen = stream
            wants = self._wants_colour
            is_terminal = hasattr(stream, "isatty") and stream.isatty()
            self.formatter = RunFormatter(is_terminal if wants is None else wants)
        return stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self.stream
            stream.write(f"{self.format(record)}\n")
            if not getattr(stream, "line_buffering", False):
                stream.flush()
        except RecursionError:
            raise
        except Exception:  # noqa: BLE001 - as logging's own handlers: a line that cannot be written is reported there
            self.handleError(record)


class TellingHandler(logging.Handler):
    """Tells each record of a run as a log event: a run logger's of its run, any other's of the run the code is in.

    Without a lock: telling is an append.
    """

    def createLock(self) -> None:  # noqa: N802 - logging's name
        self.lock: Any = _NO_LOCK

    def emit(self, record: logging.LogRecord) -> None:
        context: RunContext | None = record.__dict__.get("run_context") or CURRENT.get()
        if context is None:
            return
        try:
            message = record.getMessage()
            if record.exc_info or record.stack_info:
                message += _trouble(record)
            event: dict[str, Any] = {
                "kind": "log",
                "flow_run_id": context.flow_run.id if context.flow_run is not None else None,
                "level": record.levelno,
                "logger": record.name,
                "message": message if len(message) <= MAX_LOG_MESSAGE else cut(message, MAX_LOG_MESSAGE),
                "time": int(record.created * 1e6),
            }
            if context.task_run is not None:
                event["task_run_id"] = context.task_run.id
            context.teller.tell(event)
        except RecursionError:
            raise
        except Exception:  # noqa: BLE001 - as logging's own handlers
            self.handleError(record)
