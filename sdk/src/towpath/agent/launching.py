"""What a claimed run's process is started with. Pure. Called by `running`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from towpath.contract.names import job_name
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.runs import ClaimedRun
from towpath.settings import Settings


@dataclass(frozen=True)
class Launch:
    """A process to start.

    Attributes:
        name: of the process, as a Job would be named.
        folder: where it runs.
        environment: what is laid over the agent's own.
        timeout: seconds that the run may take; None for any.
    """

    name: str
    folder: Path
    environment: Mapping[str, str]
    timeout: int | None = None


def build_launch(
    claimed: ClaimedRun, settings: Settings, process_uid: str, termination_log: Path, default_folder: Path
) -> Launch:
    """The process of a claimed run.

    Args:
        process_uid: names the process in the fence, as a pod's uid does.
        termination_log: where the runner leaves the run's end.
        default_folder: where flows run that name no path.
    """
    flow = claimed.flow.spec
    folder = Path(flow.path) if flow is not None and flow.path is not None else default_folder
    name = job_name(claimed.deployment.resource_name, claimed.run.id, claimed.attempt)
    environment = {
        **find_results_storage(claimed),
        **collect_environment(claimed),
        "PYTHONUNBUFFERED": "1",  # what it printed before it was killed must be in its output
        "TOWPATH_HOME": str(settings.home),
        "TOWPATH_API_URL": settings.api_url or "",
        "TOWPATH_RUN_ID": str(claimed.run.id),
        "TOWPATH_ATTEMPT": str(claimed.attempt),
        "TOWPATH_POD_NAME": name,
        "TOWPATH_POD_UID": process_uid,
        "TOWPATH_CODE_DIR": str(folder),
        "TOWPATH_TERMINATION_LOG": str(termination_log),
        "TOWPATH_GRACE_PERIOD": f"{settings.grace_period:g}",
    }
    return Launch(name, folder, environment, claimed.deployment.spec.timeout_seconds)


def find_results_storage(claimed: ClaimedRun) -> dict[str, str]:
    """The variable that says where results go, if the deployment or its flow names a block for them."""
    flow = claimed.flow.spec
    block = claimed.deployment.spec.result_storage or (flow.result_storage if flow is not None else None)
    return {"TOWPATH_RESULTS_STORAGE": f"block://{block}"} if block is not None else {}


def collect_environment(claimed: ClaimedRun) -> dict[str, str]:
    """The variables that pod templates give by value, from the queue's to the run's; the later wins.

    Those with a source (a Secret, a ConfigMap) have none outside a cluster.
    """
    flow = claimed.flow.spec
    templates = (
        claimed.work_queue.spec.pod_template,
        flow.pod_template if flow is not None else None,
        claimed.deployment.spec.pod_template,
        claimed.pod_template,
    )
    return {name: value for template in templates for name, value in _values(template)}


def _values(template: PodTemplate | None) -> list[tuple[str, str]]:
    if template is None or template.spec is None:
        return []
    given = [variable for container in template.spec.containers for variable in container.env]
    return [(variable.name, variable.value) for variable in given if variable.value is not None]
