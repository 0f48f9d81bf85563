"""Who asks, and what a route needs: the words that routes, gates and reviews share. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """What decides whether a caller may use a route.

    OPEN: anybody. KNOWN: whoever may enter. NAMESPACED: a SubjectAccessReview in the namespace that the handler names. POD: the pod of the run's attempt.
    """

    OPEN = "open"
    KNOWN = "known"
    NAMESPACED = "namespaced"
    POD = "pod"


@dataclass(frozen=True)
class Access:
    """What a route needs of its caller, in Kubernetes' words. `resource` is a plural of towpath.dev, as `flowruns/status`."""

    scope: Scope
    verb: str = ""
    resource: str = ""


@dataclass(frozen=True)
class Identity:
    """A caller whose token was reviewed.

    Attributes:
        extra: further facts of the token; for a pod's token the pod's name and uid.
    """

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


OPEN = Access(Scope.OPEN)
KNOWN = Access(Scope.KNOWN)
POD = Access(Scope.POD)


def needs(verb: str, resource: str) -> Access:
    """Access to a route for those who may `verb` the `resource` in the namespace at hand."""
    return Access(Scope.NAMESPACED, verb, resource)
