"""Frees all FlowRuns of Towpath's finalizer: the main of the chart's hook that runs once the operator is gone.

Without it, nobody would let unfinished FlowRuns be deleted any more, and removing a namespace or the CRDs would hang. Jobs that
run go on running; they are owned by their FlowRuns and go with them.
"""

import asyncio
import logging
import os
from collections.abc import Sequence

from towpath.contract.names import FINALIZER
from towpath_operator.domain.reading import get_list, get_str
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeConflict, KubeError, KubeNotFound
from towpath_operator.kube.resources import FLOW_RUNS

logger = logging.getLogger(__name__)

NAMESPACES = "TOWPATH_OPERATOR_NAMESPACES"
_ROUNDS = 20
_PAUSE = 1.0


async def free_flow_runs(kube: KubeClient, namespaces: Sequence[str] = ()) -> int:
    """Take the finalizer off every FlowRun that has it, in these namespaces or, for none, everywhere. Returns how many had it.

    Raises:
        KubeError: the API server does not answer, or refuses.
    """
    return sum([await _free(kube, namespace) for namespace in namespaces or (None,)])


async def _free(kube: KubeClient, namespace: str | None) -> int:
    freed = 0
    try:
        async for item in kube.list(FLOW_RUNS, namespace, metadata_only=True):
            metadata = item["metadata"]
            before = list(get_list(metadata, "finalizers"))
            if FINALIZER not in before:
                continue
            after = [finalizer for finalizer in before if finalizer != FINALIZER]
            patch = {"metadata": {"resourceVersion": get_str(metadata, "resourceVersion"), "finalizers": after}}
            freed += 1
            try:
                await kube.patch(FLOW_RUNS, get_str(metadata, "namespace"), get_str(metadata, "name"), patch)
            except (KubeNotFound, KubeConflict) as error:
                logger.info("looking again at %s: %s", get_str(metadata, "name"), error)
    except KubeNotFound:
        logger.info("the FlowRun kind is gone already")
    return freed


async def run() -> int:
    """Free FlowRuns until none is left that needs it. Returns the exit code."""
    namespaces = [name.strip() for name in os.environ.get(NAMESPACES, "").split(",") if name.strip()]
    kube = await KubeClient.connect()
    try:
        for _ in range(_ROUNDS):
            try:
                freed = await free_flow_runs(kube, namespaces)
            except KubeError as error:
                logger.warning("again in %.0f s: %s", _PAUSE, error)
            else:
                if freed == 0:
                    return 0
                logger.info("freed %d FlowRuns", freed)
            await asyncio.sleep(_PAUSE)
        return 1
    finally:
        await kube.close()


def main() -> int:
    """Run the hook. Returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    return asyncio.run(run())
