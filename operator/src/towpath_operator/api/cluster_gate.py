"""The gate of a cluster: every caller's token is reviewed by Kubernetes, and so is what it may do.

A caller is known by a bearer token, by the session's cookie that holds one, or by the headers of a trusted proxy.
"""

import time
from uuid import UUID

from fastapi import Request

from towpath_operator.api.access import Who
from towpath_operator.api.browser import check_browser, make_csrf_token, read_bearer, read_cookie
from towpath_operator.api.proxies import TrustedProxies
from towpath_operator.domain.access import Identity
from towpath_operator.domain.refusals import Unauthenticated
from towpath_operator.services.reviews import Reviews, home_namespace, seconds_left

_FOR_PODS = frozenset(
    {("get", "blocks"), ("list", "blocks"), ("get", "flowruns/results"), ("update", "flowruns/results")}
)
"""What the pods of runs may without a role, in their own namespace: read the configuration of blocks, whose secrets are files that
the pods have; keep results and read those of other runs, as caching needs."""


class _Reviewed:
    """A caller whose token was reviewed."""

    def __init__(self, reviews: Reviews, identity: Identity, who: Who) -> None:
        self._reviews = reviews
        self._identity = identity
        self.who = who

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
    """Admits whoever Kubernetes knows.

    Args:
        proxies: whose headers are believed.
        public_url: where people reach the pages, if something before the server changes the Host header.
    """

    def __init__(self, reviews: Reviews, proxies: TrustedProxies | None = None, public_url: str | None = None) -> None:
        self._reviews = reviews
        self._proxies = proxies or TrustedProxies()
        self.public_url = public_url

    async def admit(self, request: Request) -> _Reviewed:
        """The caller.

        Raises:
            Unauthenticated: without a valid token.
            Forbidden: when a page of another site uses the caller's session.
        """
        identity = self._proxies.find_identity(request)
        if identity is not None:
            secret = f"proxy:{identity.user}"  # no secret, but the header that proves it cannot be sent from elsewhere
            check_browser(request, secret, self.public_url)
            who = Who(identity.user, identity.groups, "proxy", csrf_token=make_csrf_token(secret))
            return _Reviewed(self._reviews, identity, who)
        token = read_bearer(request)
        if token is not None:
            return await self._reviewed(token, Who("", (), "token"))
        token = read_cookie(request)
        if token is not None:
            check_browser(request, token, self.public_url)
            return await self._reviewed(token, Who("", (), "cookie", csrf_token=make_csrf_token(token)))
        raise Unauthenticated("Send a token of your ServiceAccount as a bearer token: `towpath login` gets one.")

    async def _reviewed(self, token: str, who: Who) -> _Reviewed:
        identity = await self._reviews.identify(token)
        left = seconds_left(token, time.time())
        expires = None if left == float("inf") else time.time() + left
        return _Reviewed(
            self._reviews, identity, who._replace(user=identity.user, groups=identity.groups, expires=expires)
        )
