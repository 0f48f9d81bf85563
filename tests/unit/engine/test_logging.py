"""What runs log, how it looks on the console and what reaches the API."""

import io
import logging
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, get_run_logger, task
from towpath.errors import MissingContextError
from towpath.logging import disable_run_logger, get_logger, setup
from towpath.logging.handlers import ConsoleHandler, RunFormatter
from towpath.settings import forget_settings


@pytest.fixture
def fresh_setup(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Handlers are attached anew in the test, and as before after it."""
    names = ["towpath", "towpath.flow_runs", "towpath.task_runs", "someones", "someones.child"]
    before = {name: (list(logging.getLogger(name).handlers), logging.getLogger(name).level) for name in names}
    monkeypatch.setattr(setup, "_is_set_up", False)
    yield monkeypatch
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(level)


@task
def clean() -> int:
    get_run_logger().info("cleaning %d rows", 3)
    return 1


@task
def spoil() -> int:
    raise ValueError("spoilt")


def test_the_run_logger_writes_to_the_innermost_run(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        get_run_logger().warning("in the flow")
        return clean()

    my_flow()
    flow_line, task_line = (
        next(e for e in told.of_kind("log") if e["message"] == text) for text in ("in the flow", "cleaning 3 rows")
    )
    flow_run_id = told.of_kind("flow_run")[0]["id"]
    assert (flow_line["level"], flow_line["flow_run_id"], flow_line.get("task_run_id")) == (30, flow_run_id, None)
    assert flow_line["logger"] == "towpath.flow_runs"
    assert (task_line["flow_run_id"], task_line["task_run_id"]) == (flow_run_id, told.run_id("clean-0"))
    assert task_line["logger"] == "towpath.task_runs"


def test_the_run_logger_needs_a_run() -> None:
    with pytest.raises(MissingContextError, match="no active flow or task run"):
        get_run_logger()


def test_run_loggers_can_be_disabled_for_tests_of_plain_functions(told: Recording) -> None:
    with disable_run_logger():
        assert clean.fn() == 1
    assert told.events == []
    with pytest.raises(MissingContextError):
        clean.fn()


def test_the_engine_says_what_it_does_in_a_call(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        return clean()

    my_flow()
    assert told.messages() == [
        "Created task run 'clean-0' for task 'clean'",
        "Executing 'clean-0' immediately...",
        "cleaning 3 rows",
        "Finished in state Completed()",
        "Finished in state Completed()",
    ]


def test_the_engine_says_what_it_submits(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        return clean.submit().result()

    my_flow()
    assert "Submitted task run 'clean-0' for execution." in told.messages()


def test_a_failure_is_logged_with_its_traceback(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        return spoil()

    my_flow(return_state=True)
    errors = told.messages(level=40)
    assert errors[0].startswith("Encountered exception during execution:\nTraceback (most recent call last):")
    assert errors[0].endswith("ValueError: spoilt")
    assert "towpath/engine" not in errors[0]
    assert errors[1] == "Finished in state Failed('Task run encountered an exception: ValueError: spoilt')"


LINE = re.compile(r"\d\d:\d\d:\d\d\.\d\d\d \| (\w+) {0,7}\| (.*)")


def test_console_lines_show_time_level_run_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    @flow(flow_run_name="lively-otter")
    def my_flow() -> int:
        return clean()

    my_flow()
    lines = [LINE.fullmatch(line) for line in capsys.readouterr().err.splitlines()]
    shown = [match.groups() for match in lines if match]
    assert ("INFO", "Task run 'clean-0' - cleaning 3 rows") in shown
    assert ("INFO", "Flow run 'lively-otter' - Created task run 'clean-0' for task 'clean'") in shown
    assert len(shown) == len(lines)


def test_levels_are_padded_to_seven_characters() -> None:
    record = logging.LogRecord("towpath.x", logging.INFO, "", 0, "hi", None, None)
    assert " | INFO    | towpath.x - hi" in RunFormatter().format(record)


def test_terminals_get_colour_and_pipes_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    record = logging.LogRecord("towpath.x", logging.ERROR, "", 0, "hi", None, None)
    handler = ConsoleHandler()
    for stream, has_colour in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        handler.emit(record)
        assert ("\x1b[31m" in stream.getvalue()) is has_colour


def test_prints_are_logged_when_the_flow_says_so_and_tasks_inherit_it(told: Recording) -> None:
    @task
    def inherits() -> None:
        print("from the task", 2)

    @task(log_prints=False)
    def refuses() -> None:
        print("to the console")

    @flow(log_prints=True)
    def my_flow() -> None:
        print("a", "b", sep="-")
        print("to stderr", file=sys.stderr)
        inherits()
        inherits.submit().wait()
        refuses()

    my_flow()
    infos = [e for e in told.of_kind("log") if e["level"] == 20]
    texts = [e["message"] for e in infos]
    assert [t for t in texts if t in ("a-b", "to stderr", "from the task 2", "to the console")] == [
        "a-b",
        "to stderr",
        "from the task 2",
        "from the task 2",
    ]


def test_prints_elsewhere_are_left_alone(told: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    buffer = io.StringIO()

    @flow(log_prints=True)
    def my_flow() -> None:
        print("to a file", file=buffer)

    @flow
    def plain() -> None:
        print("to the console")

    before = print
    my_flow()
    plain()
    assert print is before
    assert buffer.getvalue() == "to a file\n"
    assert capsys.readouterr().out == "to the console\n"
    assert "to a file" not in told.messages()


def test_log_prints_follows_the_setting(told: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_LOGGING_LOG_PRINTS", "true")
    forget_settings()
    flow(lambda: print("logged"), name="f")()
    assert "logged" in told.messages()


def test_a_line_of_a_megabyte_is_cut_with_a_mark(told: Recording) -> None:
    flow(lambda: get_run_logger().info("x" * 1_000_000), name="f")()
    long = next(message for message in told.messages() if message.startswith("xxx"))
    assert len(long) <= 100_000
    assert long.endswith("of 1000000 characters left out]")


def test_extra_loggers_reach_the_run_they_are_used_in(told: Recording, fresh_setup: pytest.MonkeyPatch) -> None:
    fresh_setup.setenv("TOWPATH_LOGGING_EXTRA_LOGGERS", "someones")
    forget_settings()

    @task
    def work() -> None:
        logging.getLogger("someones.child").info("from a library")

    flow(lambda: work(), name="f")()
    event = next(e for e in told.of_kind("log") if e["message"] == "from a library")
    assert (event["logger"], event["task_run_id"]) == ("someones.child", told.run_id("work-0"))
    logging.getLogger("someones").info("outside any run")
    assert "outside any run" not in told.messages()


def test_the_level_setting_decides_what_is_logged(told: Recording, fresh_setup: pytest.MonkeyPatch) -> None:
    fresh_setup.setenv("TOWPATH_LOGGING_LEVEL", "WARNING")
    forget_settings()
    flow(lambda: get_run_logger().warning("kept") or get_run_logger().info("dropped"), name="f")()
    assert told.messages() == ["kept"]


def test_a_run_logger_works_in_threads_of_the_users_own(told: Recording) -> None:
    @task
    def work() -> None:
        logger = get_run_logger()
        thread = threading.Thread(target=lambda: logger.info("from a thread"))
        thread.start()
        thread.join()

    flow(lambda: work(), name="f")()
    event = next(e for e in told.of_kind("log") if e["message"] == "from a thread")
    assert event["task_run_id"] == told.run_id("work-0")


def test_get_logger_is_below_towpath() -> None:
    assert get_logger("mine").name == "towpath.mine"
    assert get_logger("towpath.mine").name == "towpath.mine"
    assert get_logger().name == "towpath"


def test_broken_log_arguments_do_not_end_the_run(told: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    state = flow(lambda: get_run_logger().info("%d", "x"), name="f")(return_state=True)
    assert state.is_completed()
