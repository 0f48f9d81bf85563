"""What earlier attempts of the run have brought about: task runs that completed and whose results are kept do not run again.

Called by `attempts` for a run that has begun before: resumed, retried, or lost with its pod.
"""

import logging
import random
import time
from collections.abc import Iterable

from towpath.client.api import ApiClient, iterate
from towpath.client.judging import plan_delay
from towpath.context import Child
from towpath.contract.runs import TakenRun, TaskRunRead
from towpath.contract.states import StateType
from towpath.engine.earlier import RESULT_KEY, RUN_KEY, EarlierResult
from towpath.errors import ApiError, ApiUnavailable
from towpath.settings import Settings

logger = logging.getLogger("towpath.runner")


def read_earlier(settings: Settings, taken: TakenRun) -> dict[str, Child]:
    """What can be used again, by the names that task runs have in their flow; empty for a run that never began.

    Waits for an API that is away. What cannot be read otherwise runs again.
    """
    if taken.run.run_count == 0:
        return {}
    failures = 0
    while True:
        try:
            with ApiClient.of(settings) as client:
                return collect_earlier(
                    iterate(client.list_attempt_task_runs, run_id=taken.run.id, attempt=taken.run.attempt)
                )
        except ApiUnavailable as error:
            failures += 1
            logger.warning("Waiting to read what earlier attempts have done: %s", error)
            time.sleep(plan_delay(failures, None, random.random))
        except ApiError as error:
            logger.warning("What earlier attempts have done cannot be read, so all of it runs again: %s", error)
            return {}


def collect_earlier(runs: Iterable[TaskRunRead]) -> dict[str, Child]:
    """The completed task runs whose results are kept, by name; of several with one name the newest."""
    found: dict[str, tuple[TaskRunRead, Child]] = {}
    for run in runs:
        name, address = run.details.get(RUN_KEY), run.details.get("result")
        if run.state is None or run.state.type is not StateType.COMPLETED:
            continue
        if not isinstance(name, str) or not isinstance(address, str):
            continue
        key = run.details.get(RESULT_KEY)
        child = Child(str(run.id))
        child.type = StateType.COMPLETED
        child.result = EarlierResult(address, key if isinstance(key, str) else str(run.id))
        if name not in found or found[name][0].id < run.id:
            found[name] = (run, child)
    return {name: child for name, (_, child) in found.items()}
