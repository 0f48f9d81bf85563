"""Where the API server keeps each kind that the operator reads or writes."""

from dataclasses import dataclass
from typing import Final

from towpath.contract import names
from towpath.contract.resources import KINDS


@dataclass(frozen=True, slots=True)
class Resource:
    """A namespaced kind of object. `base` is its API's root, as `/apis/batch/v1`."""

    base: str
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of one object, or of all in a namespace, or of all there are."""
        parts = [self.base]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part is not None]
        return "/".join(parts)


PODS: Final = Resource("/api/v1", "pods")
EVENTS: Final = Resource("/api/v1", "events")
JOBS: Final = Resource("/apis/batch/v1", "jobs")
TOWPATH: Final = {kind.kind: Resource(f"/apis/{names.API_VERSION}", kind.plural) for kind in KINDS}
FLOW_RUNS: Final = TOWPATH["FlowRun"]
