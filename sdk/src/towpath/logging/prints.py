"""Makes `print` write to the run's log, for flows and tasks with `log_prints`."""

import builtins
import io
import sys
import threading
from typing import Any

from towpath.context import CURRENT
from towpath.logging.loggers import logger_of

_lock = threading.Lock()
_users = 0
_original = builtins.print


class PrintsLogged:
    """Within the block, `print` in runs with `log_prints` writes to their log at INFO; elsewhere it prints as always."""

    def __enter__(self) -> None:
        global _users, _original
        with _lock:
            if _users == 0:
                _original = builtins.print
                builtins.print = print_as_log
            _users += 1

    def __exit__(self, *_: object) -> None:
        global _users
        with _lock:
            _users -= 1
            if _users == 0:
                builtins.print = _original


def print_as_log(*values: Any, **options: Any) -> None:
    """`print`, into the log of the current run if that has `log_prints` and the text would go to the console."""
    context = CURRENT.get()
    if context is None or not context.log_prints or options.get("file") not in (None, sys.stdout, sys.stderr):
        _original(*values, **options)
        return
    buffer = io.StringIO()
    options["file"] = buffer
    _original(*values, **options)
    logger_of(context).say(20, buffer.getvalue().removesuffix("\n"))
