"""Logging: run loggers for users, and what carries log lines to the console and to the API.

`get_run_logger` and `get_logger` are for users. Loading this module costs what the standard logging module costs, so the
engine loads it when the first run starts.
"""

from towpath.logging.loggers import disable_run_logger, get_logger, get_run_logger

__all__ = ["disable_run_logger", "get_logger", "get_run_logger"]
