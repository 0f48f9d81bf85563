"""An attempt from its taking to its exit code. Called by `python -m towpath.runner`."""

import logging
import os
import sys
import time
import traceback
from typing import Any

from towpath.client.api import ApiClient
from towpath.client.telling import open_teller
from towpath.contract import exit_codes
from towpath.contract.runs import TakenRun
from towpath.contract.states import StateType
from towpath.engine import RunIdentity, run_flow
from towpath.errors import ApiError, ParameterBindError, ScriptError, SettingsError, StaleAttempt, TerminationSignal
from towpath.flows import Flow
from towpath.logging.setup import set_up_logging
from towpath.runner.earlier import read_earlier
from towpath.runner.ending import NOT_STARTED, TERMINATED, build_termination_message, plan_exit_code
from towpath.runner.fetching import fetch_code
from towpath.runner.launch import Launch, read_launch
from towpath.runner.loading import format_cause, load_flow
from towpath.runner.recording import AttemptTeller
from towpath.runner.stopping import CancelQuestion, Stopper, end_process, end_process_after, stop_this_process
from towpath.runner.taking import take_attempt
from towpath.settings import get_settings

THREADS_GRACE = 10.0
"""Seconds that threads of the flow's own may go on after its end is stored."""
_SAY_EVERY = 30.0
_STEP = 1.0

logger = logging.getLogger("towpath.runner")


def main() -> int:
    """Runs the attempt that the environment names. Returns the exit code, of `towpath.contract.exit_codes`."""
    try:
        settings = get_settings()
        set_up_logging()
        launch = read_launch(settings)
    except SettingsError as error:
        print(f"The runner cannot start: {error}", file=sys.stderr)
        return NOT_STARTED
    stopper = Stopper(launch.grace_period, CancelQuestion(settings, launch).ask)
    try:
        code = _run_attempt(launch, stopper)
    except TerminationSignal:
        logger.warning("Told to stop before the run was taken.")
        code = TERMINATED
    if stopper.is_told:
        end_process(code)
    stopper.finish()
    end_process_after(THREADS_GRACE, code)
    return code


def _run_attempt(launch: Launch, stopper: Stopper) -> int:
    taken = _take(launch)
    if isinstance(taken, int):
        return taken
    inner = open_teller(launch.run_id, launch.attempt, on_stale=stop_this_process)
    teller = AttemptTeller(inner, launch.run_id)
    stopper.serve(teller)
    code_missing = False
    try:
        flow = _load(taken, launch, teller)
        if flow is None:
            code_missing = True
        else:
            _run(flow, taken, launch, teller, stopper)
        stopper.stop_raising()
    except TerminationSignal:
        logger.warning("The flow was stopped: the process was told to (SIGTERM).")
    except (KeyboardInterrupt, SystemExit):
        stopper.stop_raising()  # the engine has told that the run crashed
    return _end(launch, stopper, teller, code_missing=code_missing)


def _take(launch: Launch) -> TakenRun | int:
    """The run taken, or the exit code when there is nothing to run."""
    try:
        with ApiClient.of(get_settings()) as client:
            taken = take_attempt(client, launch)
    except StaleAttempt as error:
        logger.warning("Nothing was run: %s", error)
        return exit_codes.STALE_ATTEMPT
    except (ApiError, SettingsError) as error:
        logger.error("The run cannot be taken: %s", error)
        return NOT_STARTED
    if taken is None:
        logger.info("The run has ended already: there is nothing to do.")
        return exit_codes.STORED
    return taken


def _load(taken: TakenRun, launch: Launch, teller: AttemptTeller) -> Flow[..., Any] | None:
    """The flow of the run; None when there is none, which has been told."""
    spec = taken.flow.spec
    try:
        if spec is None:
            raise ScriptError(f"The flow {taken.flow.name!r} is not declared any more, so its code cannot be found.")
        folder = fetch_code(
            spec, launch.code_dir, get_settings().home, taken.run.namespace, lambda text: teller.say(logging.INFO, text)
        )
        return load_flow(spec.entrypoint, folder)
    except ScriptError as error:
        cause = format_cause(error)
        teller.say(logging.ERROR, f"{error}\n{cause}" if cause else str(error))
        teller.tell_failed(str(error))
        return None


def merge_parameters(taken: TakenRun) -> dict[str, Any]:
    """The run's parameters laid over its deployment's."""
    declared = taken.deployment.spec.parameters if taken.deployment is not None else {}
    return {**declared, **taken.run.parameters}


def _run(flow: Flow[..., Any], taken: TakenRun, launch: Launch, teller: AttemptTeller, stopper: Stopper) -> None:
    run = taken.run
    earlier = read_earlier(get_settings(), taken)
    identity = RunIdentity(
        id=launch.run_id,
        name=run.name,
        attempt=launch.attempt,
        teller=teller,
        tags=tuple(run.tags),
        deployment_id=str(run.deployment_id) if run.deployment_id is not None else None,
        run_count=run.run_count,
        told_to_stop=stopper.told_to_stop,
        stop_raising=stopper.stop_raising,
        earlier=earlier,
        scheduled_time=run.scheduled_time,
    )
    try:
        state = run_flow(flow, merge_parameters(taken), run=identity)
        teller.is_suspended = state.type is StateType.PAUSED and state.name == "Suspended"
    except ParameterBindError as error:
        teller.say(logging.ERROR, str(error))
        teller.tell_failed(f"Validation of flow parameters failed with error: {error}")
    except Exception as error:  # noqa: BLE001 - the engine itself failed: told, then reported by the exit code
        teller.say(logging.ERROR, f"The runner failed: {error}\n{traceback.format_exc().rstrip()}")


def _end(launch: Launch, stopper: Stopper, teller: AttemptTeller, *, code_missing: bool) -> int:
    """Sees the end stored; the exit code."""
    final = teller.final_state
    if final is not None:
        _write_termination_message(launch, final)
    if stopper.is_told:
        teller.tell_terminated()
    is_stored = _flush(launch, stopper, teller)
    if not is_stored and not teller.stale:
        logger.error("The run's last events are not stored by the API: %s", teller.unavailable_reason or "it is slow")
    if teller.stale:
        logger.warning("Another attempt holds the run: what this one told is kept as history only.")
    if final is None and stopper.is_told and not teller.stale and not teller.is_suspended:
        return TERMINATED
    return plan_exit_code(
        final, stored=is_stored, stale=teller.stale, code_missing=code_missing, suspended=teller.is_suspended
    )


def _flush(launch: Launch, stopper: Stopper, teller: AttemptTeller) -> bool:
    """Waits until the API has stored all events, and says what it waits for."""
    deadline = time.monotonic() + launch.flush_timeout
    say_at = time.monotonic() + _STEP
    while True:
        left = min(deadline - time.monotonic(), stopper.flush_time(launch.flush_timeout))
        if teller.flush(max(0.0, min(left, _STEP))):  # in steps, since a SIGTERM shortens the wait
            return True
        if left <= 0:
            return False
        if time.monotonic() >= say_at:
            say_at += _SAY_EVERY
            logger.warning(
                "Waiting for the run's last events to be stored: %s", teller.unavailable_reason or "it takes long"
            )


def _write_termination_message(launch: Launch, final: dict[str, Any]) -> None:
    """Leaves the final state where the launcher finds it without the API. The launcher makes the file."""
    try:
        descriptor = os.open(launch.termination_log, os.O_WRONLY | os.O_TRUNC)
    except FileNotFoundError:
        return  # started by hand: nobody reads it
    except OSError as error:
        logger.warning("The termination message cannot be written to %s: %s.", launch.termination_log, error.strerror)
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(build_termination_message(final))
