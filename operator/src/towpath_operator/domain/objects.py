"""Names and keys that Towpath puts on the Kubernetes objects it makes, beyond those of the contract. Pure.

Called by whoever builds or reads FlowRuns, Jobs and pods.
"""

from typing import Final, NamedTuple

from towpath.contract.names import GROUP

ANNOTATION_FLOW_RUN: Final = f"{GROUP}/flow-run"
"""On a Job and its pods: the name of the FlowRun that they belong to. An annotation, since names exceed a label's 63 characters."""

ANNOTATION_TTL: Final = f"{GROUP}/ttl-seconds-after-finished"
"""On a FlowRun: how long it is kept once finished, as its Deployment said when it was made."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "towpath-operator"


class RunKey(NamedTuple):
    """What everything of one run is found by: the namespace and name of its FlowRun."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
