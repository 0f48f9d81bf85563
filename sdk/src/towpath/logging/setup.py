"""Attaches Towpath's handlers to the standard logging module, once for each process."""

import logging
import threading

from towpath.logging.handlers import ConsoleHandler, TellingHandler
from towpath.settings import get_settings

_lock = threading.Lock()
_is_set_up = False


def set_up_logging() -> None:
    """Attaches the handlers unless they are attached: console and API for run loggers, API for the extra loggers."""
    global _is_set_up
    if _is_set_up:
        return
    with _lock:
        if not _is_set_up:
            _attach()
            _is_set_up = True


def _attach() -> None:
    settings = get_settings()
    level = logging.getLevelNamesMapping()[settings.logging_level]
    root = logging.getLogger("towpath")
    root.setLevel(level)
    root.propagate = False
    if not any(isinstance(handler, ConsoleHandler) for handler in root.handlers):
        root.addHandler(ConsoleHandler())
    telling = TellingHandler()
    for name in ("towpath.flow_runs", "towpath.task_runs"):
        _replace(logging.getLogger(name), telling)
    for name in settings.logging_extra_loggers:
        logger = logging.getLogger(name)
        _replace(logger, telling)
        if logger.getEffectiveLevel() > level:
            logger.setLevel(level)
        if not any(isinstance(handler, ConsoleHandler) for handler in logger.handlers):
            logger.addHandler(ConsoleHandler())


def _replace(logger: logging.Logger, handler: TellingHandler) -> None:
    logger.handlers = [one for one in logger.handlers if not isinstance(one, TellingHandler)]
    logger.addHandler(handler)
