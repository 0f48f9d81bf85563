"""Whether a pod is the one that an attempt's Job started. Pure; called by services.reviews."""

from typing import NamedTuple
from uuid import UUID


class PodFacts(NamedTuple):
    """What is asked of a pod. `jobs` are the (name, uid) of the Jobs that own it."""

    uid: str
    labels: dict[str, str]
    jobs: tuple[tuple[str, str], ...]


def is_of_attempt(pod: PodFacts, uid: str, label: str, run_id: UUID, job: str, job_uid: str | None) -> bool:
    """Whether the pod with this `uid` carries the run's id as `label` and is owned by the attempt's Job."""
    if pod.uid != uid or pod.labels.get(label) != str(run_id):
        return False
    return any(name == job and (job_uid is None or owner == job_uid) for name, owner in pod.jobs)
