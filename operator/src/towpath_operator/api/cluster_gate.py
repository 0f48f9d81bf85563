"""The gate of a cluster: every caller's token is reviewed by Kubernetes, and so is what it may do."""

from uuid import UUID

from fastapi import Request

from towpath_operator.domain.access import Identity
from towpath_operator.domain.refusals import Unauthenticated
from towpath_operator.services.reviews import Reviews, home_namespace

_FOR_PODS = frozenset(
    {("get", "blocks"), ("list", "blocks"), ("get", "flowruns/results"), ("update", "flowruns/results")}
)
"""What the pods of runs may without a role, in their own namespace: read the configuration of blocks, whose secrets are files that
the pods have; keep results and read those of other runs, as caching needs."""


class _Reviewed:
    """A caller whose token was reviewed."""

    def __init__(self, reviews: Reviews, identity: Identity) -> None:
        self._reviews = reviews
        self._identity = identity

    @property
    def home(self) -> str:
        """The caller's own namespace."""
        return home_namespace(self._identity)

    async def allow(self, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether a SubjectAccessReview allows it, or the caller is a run's pod and it is for those."""
        if await self._reviews.may(self._identity, verb, resource, namespace):
            return True
        is_own = namespace is not None and namespace == self.home
        return is_own and (verb, resource) in _FOR_PODS and await self._reviews.is_flow_pod(self._identity)

    async def own(self, run_id: UUID, attempt: int, pod_uid: str | None) -> None:
        """Checks that the caller is the attempt's pod."""
        await self._reviews.check_owner(self._identity, run_id, attempt, pod_uid)


class ClusterGate:
    """Admits whoever Kubernetes knows."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    async def admit(self, request: Request) -> _Reviewed:
        """The caller.

        Raises:
            Unauthenticated: without a valid token.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send a token of your ServiceAccount as a bearer token: `towpath login` gets one.")
        return _Reviewed(self._reviews, await self._reviews.identify(token.strip()))
