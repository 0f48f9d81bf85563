"""The agent's loop: what is heard goes in one queue, `plan_agent` decides, this module does. Called by `towpath agent start`."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from towpath.agent.claiming import Claimer, Slots, Wanted
from towpath.agent.ending import judge_end, parse_final_state
from towpath.agent.launching import build_launch
from towpath.agent.plan import Cause, Held, Key, Kill, Report, Terminate, plan_agent, plan_wake
from towpath.agent.processes import Process
from towpath.agent.records import AgentFolder, AttemptFolder, Record
from towpath.agent.reporting import Answer, Reporter
from towpath.agent.watching import Watcher
from towpath.client.api import ApiClient
from towpath.contract.ids import uuid7_text
from towpath.contract.runs import AttemptEnded, AttemptLaunched, ClaimedRun, FlowRunRead
from towpath.contract.states import StateType
from towpath.errors import NotFound
from towpath.settings import Settings

REPORT_TIMEOUT: Final = 20.0
"""Seconds that a stopped agent waits for the API to take its last reports; the next agent makes up for what it did not."""

logger = logging.getLogger("towpath.agent")


@dataclass(slots=True)
class _Attempt:
    folder: AttemptFolder
    held: Held
    process: Process | None = None
    cause: Cause | None = None
    failed: AttemptEnded | None = None
    """The report when no process could be started."""


@dataclass(slots=True)
class _Ended:
    key: Key
    code: int | None


@dataclass(slots=True)
class _Stop:
    pass


@dataclass(slots=True)
class _Drained:
    pass


_Event = ClaimedRun | FlowRunRead | Answer | _Ended | _Stop | _Drained


@dataclass
class Agent:
    """One agent. `run` is called once, by the main thread.

    Attributes:
        default_folder: where flows run that name no path.
    """

    settings: Settings
    wanted: Wanted
    default_folder: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._attempts: dict[Key, _Attempt] = {}
        self._slots = Slots(self.wanted.limit)
        self._reporter = Reporter(ApiClient.of(self.settings), self._events.put)
        self._is_stopping = False
        self._is_drained = False
        self._is_forced = False
        self._report_until: float | None = None

    def stop(self) -> None:
        """Ends the agent and its processes; called again, the agent alone. May be called by a signal handler."""
        self._events.put(_Stop())

    def run(self) -> None:
        """Launches runs until told to stop, or once nothing more is due for an agent that runs once.

        Raises:
            ApiError: the API does not answer at the start, or refuses.
        """
        watcher = Watcher(ApiClient.of(self.settings), self.wanted.namespace, self._events.put)
        watcher.begin()
        self._claimer = Claimer(
            ApiClient.of(self.settings),
            self.wanted,
            self._slots,
            self._events.put,
            lambda: self._events.put(_Drained()),
        )
        self._folder = AgentFolder(self.settings.home)
        try:
            self._adopt()
            for part in (watcher.run, self._claimer.run, self._reporter.run):
                _start_thread(part)
            self._loop()
        finally:
            self._claimer.stop()
            self._folder.close()

    def _loop(self) -> None:
        while not self._is_over():
            try:
                self._handle(self._events.get(timeout=self._plan_pause()))
                while True:
                    self._handle(self._events.get_nowait())
            except Empty:
                pass
            self._act()

    def _plan_pause(self) -> float | None:
        pause = plan_wake(self._held(), time.time())
        if self._report_until is not None:
            left = max(0.0, self._report_until - time.monotonic())
            pause = left if pause is None else min(pause, left)
        return pause

    def _is_over(self) -> bool:
        if self._is_forced:
            return True
        if not (self._is_stopping or self._is_drained):
            return False
        if not self._attempts:
            return True
        if not self._is_stopping or not all(attempt.held.is_ended for attempt in self._attempts.values()):
            return False
        if self._report_until is None:
            self._report_until = time.monotonic() + REPORT_TIMEOUT
        return time.monotonic() >= self._report_until

    def _held(self) -> list[Held]:
        return [attempt.held for attempt in self._attempts.values()]

    def _handle(self, event: _Event) -> None:
        match event:
            case ClaimedRun():
                self._launch(event)
            case FlowRunRead():
                self._note_change(event)
            case Answer():
                self._note_answer(event)
            case _Ended():
                self._note_end(event)
            case _Drained():
                self._is_drained = True
            case _Stop():
                self._is_forced = self._is_stopping
                self._is_stopping = True
                self._claimer.stop()

    # What is done

    def _act(self) -> None:
        for action in plan_agent(self._held(), time.time(), stopping=self._is_stopping):
            attempt = self._attempts[action.key]
            match action:
                case Terminate(cause=cause):
                    logger.info("Ending flow run %r: %s.", attempt.folder.record.run_name, _WHY[cause])
                    attempt.cause = cause
                    attempt.held = replace(attempt.held, told_at=time.time())
                    if attempt.process is not None:
                        attempt.process.terminate()
                case Kill():
                    logger.warning("Flow run %r did not end when told to: killed.", attempt.folder.record.run_name)
                    attempt.held = replace(attempt.held, is_killed=True)
                    if attempt.process is not None:
                        attempt.process.kill()
                case Report():
                    self._report(attempt)

    def _launch(self, claimed: ClaimedRun) -> None:
        if self._is_stopping:
            return  # its lease ends, and another agent gets it
        key = Key(str(claimed.run.id), claimed.attempt)
        if key in self._attempts:
            self._slots.release()  # claimed again, since its launch could not be reported in time
            return
        record = Record(key.run_id, key.attempt, self.settings.api_url or "", "", claimed.run.name)
        folder = self._folder.make(record)
        launch = build_launch(claimed, self.settings, uuid7_text(), folder.termination, self.default_folder)
        deadline = None if launch.timeout is None else time.time() + launch.timeout
        folder.update(name=launch.name, deadline=deadline)
        held = Held(key, deadline, self.settings.grace_period)
        attempt = self._attempts[key] = _Attempt(folder, held)
        process = Process(folder, lambda code: self._events.put(_Ended(key, code)))
        try:
            if not launch.folder.is_dir():
                raise NotADirectoryError(f"there is no folder {launch.folder}, which the flow's `path` names")
            folder.update(pid=process.start(launch))
        except OSError as error:
            attempt.failed = AttemptEnded(
                outcome="NotStarted", reason="LaunchFailed", message=f"On {self.wanted.holder}: {error}."
            )
            self._events.put(_Ended(key, None))
            return
        attempt.process = process
        logger.info("Flow run %r started as process %d.", claimed.run.name, folder.record.pid)
        self._reporter.send(key, AttemptLaunched(holder=self.wanted.holder, job_name=launch.name))

    def _adopt(self) -> None:
        with ApiClient.of(self.settings) as client:
            for folder in self._folder.adopt(self.settings.api_url or ""):
                key, record = folder.record.key, folder.record
                logger.info("Flow run %r was started by an agent that is gone: watched from here.", record.run_name)
                attempt = _Attempt(folder, Held(key, record.deadline, self.settings.grace_period))
                self._attempts[key] = attempt
                self._slots.take(1)
                attempt.process = Process(folder, _ending(self._events, key))
                try:
                    self._note_change(client.get_flow_run(record.run_id))
                except NotFound:
                    attempt.held = replace(attempt.held, is_superseded=True)
                attempt.process.adopt()

    def _report(self, attempt: _Attempt) -> None:
        folder = attempt.folder
        code = folder.record.code
        report = attempt.failed or judge_end(
            attempt.cause, code, parse_final_state(folder.read_termination()), folder.read_tail()
        )
        if report is None:
            logger.info("Flow run %r is held by another attempt.", folder.record.run_name)
            self._forget(attempt)
            return
        attempt.held = replace(attempt.held, is_reported=True)
        self._reporter.send(attempt.held.key, report)

    def _forget(self, attempt: _Attempt) -> None:
        attempt.folder.remove()
        del self._attempts[attempt.held.key]

    # What is heard

    def _note_change(self, run: FlowRunRead) -> None:
        for key, attempt in self._attempts.items():
            if key.run_id != str(run.id):
                continue
            attempt.held = replace(
                attempt.held,
                is_cancelled=run.state.type is StateType.CANCELLING,
                is_superseded=attempt.held.is_superseded or run.attempt > key.attempt,
            )

    def _note_end(self, event: _Ended) -> None:
        attempt = self._attempts[event.key]
        attempt.held = replace(attempt.held, is_ended=True)
        attempt.folder.update(ended=True, code=event.code)
        self._slots.release()

    def _note_answer(self, answer: Answer) -> None:
        attempt = self._attempts.get(answer.key)
        if attempt is None:
            return
        if isinstance(answer.report, AttemptLaunched):
            if answer.run is not None:
                self._note_change(answer.run)
            elif not attempt.held.is_ended:
                logger.warning("Flow run %r: %s", attempt.folder.record.run_name, answer.refusal)
                attempt.held = replace(attempt.held, is_superseded=True)
            return
        name = attempt.folder.record.run_name
        if answer.run is None:
            logger.warning("Flow run %r: the report of its end was refused: %s", name, answer.refusal)
        else:
            logger.info("Flow run %r ended as %s.", name, answer.run.state.name)
        self._forget(attempt)


_WHY: Final = {
    "Superseded": "another attempt holds it",
    "Cancelled": "it is to be cancelled",
    "TimedOut": "it has taken longer than its timeoutSeconds",
    "AgentStopped": "the agent stops",
}


def _ending(events: "SimpleQueue[_Event]", key: Key) -> Callable[[int | None], None]:
    return lambda code: events.put(_Ended(key, code))


def _start_thread(part: Callable[[], None]) -> None:
    threading.Thread(target=part, name=f"towpath-agent-{part.__qualname__}", daemon=True).start()
