"""TokenReview, SubjectAccessReview and pods, asked of Kubernetes for the API. Implements services.reviews.Reviewer."""

from collections.abc import Mapping
from typing import Any, Final

from towpath.contract.names import GROUP
from towpath_operator.domain.access import Identity
from towpath_operator.domain.pod_owners import PodFacts
from towpath_operator.domain.refusals import ReviewsUnavailable
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeError
from towpath_operator.kube.resources import PODS, Resource

TOKEN_REVIEWS: Final = Resource("/apis/authentication.k8s.io/v1", "tokenreviews")
ACCESS_REVIEWS: Final = Resource("/apis/authorization.k8s.io/v1", "subjectaccessreviews")
_CORE: Final = ".core"


class KubeReviewer:
    """Asks the Kubernetes API server. Every call raises ReviewsUnavailable when that gives no usable answer."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def review_token(self, token: str, audience: str | None) -> Identity | None:
        """Whose token it is; None when it is not valid for the audience, or without one for the API server itself."""
        spec = {"token": token} | ({} if audience is None else {"audiences": [audience]})
        status = await self._review(TOKEN_REVIEWS, "TokenReview", "authentication.k8s.io/v1", spec)
        if not status.get("authenticated") or (audience is not None and audience not in status.get("audiences", [])):
            return None
        user: Mapping[str, Any] = status.get("user", {})
        extra: Mapping[str, list[str]] = user.get("extra") or {}
        return Identity(
            user=user.get("username", ""),
            groups=tuple(user.get("groups") or ()),
            uid=user.get("uid", ""),
            extra={key: tuple(values) for key, values in extra.items()},
        )

    async def may(self, who: Identity, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether `who` may `verb` towpath.dev's `resource`, or one of Kubernetes' core as `secrets.core`; None: everywhere."""
        plural, _, subresource = resource.partition("/")
        group = "" if plural.endswith(_CORE) else GROUP
        attributes = {"group": group, "resource": plural.removesuffix(_CORE), "verb": verb}
        attributes |= {"subresource": subresource} if subresource else {}
        attributes |= {"namespace": namespace} if namespace is not None else {}
        spec = {
            "resourceAttributes": attributes,
            "user": who.user,
            "uid": who.uid,
            "groups": list(who.groups),
            "extra": {key: list(values) for key, values in who.extra.items()},
        }
        status = await self._review(ACCESS_REVIEWS, "SubjectAccessReview", "authorization.k8s.io/v1", spec)
        return bool(status.get("allowed")) and not status.get("denied")

    async def find_pod(self, namespace: str, name: str) -> PodFacts | None:
        """The pod, if there is one."""
        try:
            pod = await self._client.find(PODS, namespace, name)
        except KubeError as error:
            raise _unavailable(error) from error
        if pod is None:
            return None
        metadata: Mapping[str, Any] = pod["metadata"]
        owners: list[Mapping[str, str]] = metadata.get("ownerReferences") or []
        jobs = tuple((owner["name"], owner["uid"]) for owner in owners if owner["kind"] == "Job")
        return PodFacts(metadata["uid"], dict(metadata.get("labels") or {}), jobs)

    async def _review(self, resource: Resource, kind: str, version: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await self._client.review(resource, {"apiVersion": version, "kind": kind, "spec": spec})
        except KubeError as error:
            raise _unavailable(error) from error
        return answer.get("status") or {}


def _unavailable(error: KubeError) -> ReviewsUnavailable:
    return ReviewsUnavailable(f"Kubernetes cannot be asked who may do this ({error}): try again.")
