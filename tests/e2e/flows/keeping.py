"""A flow that shows what it does and caches its slow step. Brought to the pods by a ConfigMap."""

from datetime import timedelta

from towpath import flow, task
from towpath.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from towpath.tasks import task_input_hash


@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(days=1))
def weigh(ship: str, sizes: list[int]) -> bytes:
    """Computes what is worth keeping."""
    create_table_artifact({"ship": [ship], "weight": [sum(sizes)]}, key="weights")
    return bytes(sum(sizes))


@flow
def keeps(ship: str = "Anna", sizes: list[int] = [1, 2, 3]) -> int:  # noqa: B006 it is only read
    """Weighs a ship, or knows its weight from before."""
    progress = create_progress_artifact(0, key="progress", description="Of *this* run")
    weighed = weigh(ship, sizes)
    update_progress_artifact(progress, 100)
    create_markdown_artifact(f"# {ship} weighs {len(weighed)}", key="report")
    return len(weighed)
