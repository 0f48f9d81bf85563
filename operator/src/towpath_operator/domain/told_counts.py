"""Counts the task runs of a plan for the histograms. Pure; called by services.ingest when the plan has been written."""

from towpath.contract.names import LOCAL_NAMESPACE
from towpath_operator.domain.rollups import TASK_RUNS, WHOLE, Counts, Owner, owners_of
from towpath_operator.domain.told import Told
from towpath_operator.domain.told_facts import TaskRunFacts


def count_task_runs(told: Told, counts: Counts) -> None:
    """Adds to `counts` what became of every task run of the plan. One of a flow run that nobody declared has no flow yet."""
    whose = {run_id: owners_of(run.flow_id, run.deployment_id) for run_id, run in told.flow_runs.items()}
    for run in told.task_runs.values():
        before = (run.stored_flow_run_id, run.stored_type)
        after = (run.flow_run_id, run.state_type)
        if not run.changed or before == after:
            continue
        for (flow_run_id, state), by in ((before, -1), (after, 1)):
            owners = _owners(whose, flow_run_id)
            counts.add(TASK_RUNS, _namespace(told, run, flow_run_id), owners, run.created, state, by)


def _owners(whose: dict[bytes, list[Owner]], flow_run_id: bytes | None) -> list[Owner]:
    return [WHOLE] if flow_run_id is None else whose.get(flow_run_id, [WHOLE])


def _namespace(told: Told, run: TaskRunFacts, flow_run_id: bytes | None) -> str:
    flow_run = None if flow_run_id is None else told.flow_runs.get(flow_run_id)
    known = run.namespace if flow_run is None else flow_run.namespace
    return known or LOCAL_NAMESPACE
