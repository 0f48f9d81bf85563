"""Who may what in a cluster: reviews by Kubernetes, cached, and pods matched with their attempts.

Called by the API's cluster gate. The Kubernetes calls stand behind `Reviewer`, which kube.reviews implements.
"""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from towpath.contract.names import API_AUDIENCE, LABEL_ATTEMPT, LABEL_RUN_ID, LOCAL_NAMESPACE, job_name
from towpath_operator.domain.access import Identity
from towpath_operator.domain.pod_owners import PodFacts, is_of_attempt
from towpath_operator.domain.refusals import Forbidden, Unauthenticated
from towpath_operator.store.attempts import find_attempt
from towpath_operator.store.engine import Database
from towpath_operator.store.flow_runs import find_flow_run

TOKEN_SECONDS = 60.0
"""How long a reviewed token is believed: a revoked one works this much longer at most."""
REFUSED_SECONDS = 5.0
VERDICT_SECONDS = 10.0
MAX_CACHED = 10_000
MAX_TOKEN = 16_384
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"
_SERVICE_ACCOUNT = "system:serviceaccount:"


class Reviewer(Protocol):
    """What is asked of Kubernetes.

    Each raises StoreUnavailable-like refusals of its own when Kubernetes cannot be asked.
    """

    async def review_token(self, token: str, audience: str | None) -> Identity | None:
        """Whose token it is; None when it is not valid for the audience, or without one for Kubernetes' own API server."""
        ...

    async def may(self, who: Identity, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether `who` may `verb` towpath.dev's `resource`, in all namespaces if `namespace` is None."""
        ...

    async def find_pod(self, namespace: str, name: str) -> PodFacts | None:
        """The pod, if there is one."""
        ...


_Who = tuple[str, str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]
"""All of an Identity: an authorizer may look at every part of it."""

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Values that are believed for a while; the oldest go when there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, size: int = MAX_CACHED) -> None:
        self._clock = clock
        self._size = size
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> tuple[V] | None:
        """The value in a tuple, so that None can be a value; None when there is none or it has expired."""
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock():
            return None
        return (found[1],)

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keeps the value for so long."""
        self._kept[key] = (self._clock() + seconds, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Reviews:
    """Cached reviews.

    Args:
        takes_api_server_tokens: whether tokens for Kubernetes' own API server are good here too. Whoever gets hold of one of our
            callers' tokens could use such a one there, so that is for the administrator to decide.
    """

    def __init__(
        self,
        reviewer: Reviewer,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        *,
        takes_api_server_tokens: bool = False,
    ) -> None:
        self._audiences = (API_AUDIENCE, None) if takes_api_server_tokens else (API_AUDIENCE,)
        self._wall_clock = wall_clock
        self._reviewer = reviewer
        self._database = database
        self._tokens: ExpiringCache[bytes, Identity | None] = ExpiringCache(clock)
        self._verdicts: ExpiringCache[tuple[_Who, str, str, str | None], bool] = ExpiringCache(clock)
        self._flow_pods: ExpiringCache[str, bool] = ExpiringCache(clock)
        self._owners: ExpiringCache[tuple[str, UUID, int], bool] = ExpiringCache(clock)

    async def identify(self, token: str) -> Identity:
        """Whose token it is.

        Raises:
            Unauthenticated: when it is not valid here.
        """
        if not token or len(token) > MAX_TOKEN:
            raise Unauthenticated("Send a token of your ServiceAccount: `towpath login` gets one.")
        key = hashlib.sha256(token.encode()).digest()
        cached = self._tokens.get(key)
        if cached is None:
            identity = await self._review(token)
            seconds = min(TOKEN_SECONDS, seconds_left(token, self._wall_clock())) if identity else REFUSED_SECONDS
            self._tokens.put(key, identity, seconds)
        else:
            identity = cached[0]
        if identity is None:
            raise Unauthenticated(
                f"The token is not valid for {API_AUDIENCE}, or has expired: `towpath login` gets one."
            )
        return identity

    async def _review(self, token: str) -> Identity | None:
        """Whose token it is, for the first audience that it is valid for."""
        for audience in self._audiences:
            identity = await self._reviewer.review_token(token, audience)
            if identity is not None:
                return identity
        return None

    async def may(self, who: Identity, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether `who` may; asked of Kubernetes at most every VERDICT_SECONDS."""
        key = ((who.user, who.uid, who.groups, tuple(sorted(who.extra.items()))), verb, resource, namespace)
        cached = self._verdicts.get(key)
        if cached is not None:
            return cached[0]
        verdict = await self._reviewer.may(who, verb, resource, namespace)
        self._verdicts.put(key, verdict, VERDICT_SECONDS)
        return verdict

    async def check_owner(self, who: Identity, run_id: UUID, attempt: int, pod_uid: str | None) -> None:
        """Checks that `who` may speak for this attempt of the run.

        A launched attempt belongs to its pod. Attempt 0, which no launcher started, belongs to whoever may create runs in the
        run's namespace, or for a new run in the caller's own.

        Raises:
            Forbidden: when it may not.
        """
        if attempt == 0:
            await self._check_own_process(who, run_id)
            return
        uid = next(iter(who.extra.get(POD_UID, ())), None)
        name = next(iter(who.extra.get(POD_NAME, ())), None)
        if uid is None or name is None:
            raise Forbidden("Only the pod of an attempt may speak for it: this token is not a pod's.")
        if pod_uid is not None and pod_uid != uid:
            raise Forbidden("`pod_uid` is not the uid of the pod whose token this is.")
        key = (uid, run_id, attempt)
        cached = self._owners.get(key)
        if cached is None:
            owns, settled = await self._owns(home_namespace(who), name, uid, run_id, attempt)
            if settled or not owns:
                self._owners.put(key, owns, TOKEN_SECONDS if owns else REFUSED_SECONDS)
        else:
            owns = cached[0]
        if not owns:
            raise Forbidden(f"Pod {name!r} is not the pod of attempt {attempt} of run {run_id}.")

    async def is_flow_pod(self, who: Identity) -> bool:
        """Whether this is the token of a pod that an attempt's Job started, in its namespace."""
        uid = next(iter(who.extra.get(POD_UID, ())), None)
        name = next(iter(who.extra.get(POD_NAME, ())), None)
        if uid is None or name is None:
            return False
        cached = self._flow_pods.get(uid)
        if cached is not None:
            return cached[0]
        namespace = home_namespace(who)
        facts = await self._reviewer.find_pod(namespace, name)
        verdict = False
        if facts is not None and facts.uid == uid:
            try:
                run_id, attempt = UUID(facts.labels[LABEL_RUN_ID]), int(facts.labels[LABEL_ATTEMPT])
            except (KeyError, ValueError):
                pass
            else:
                verdict, _ = await self._owns(namespace, name, uid, run_id, attempt)
        self._flow_pods.put(uid, verdict, TOKEN_SECONDS if verdict else REFUSED_SECONDS)
        return verdict

    async def _check_own_process(self, who: Identity, run_id: UUID) -> None:
        async with self._database.read() as reader:
            row = await find_flow_run(reader, run_id)
        namespace = row["namespace"] if row is not None else home_namespace(who)
        if not await self.may(who, "create", "flowruns", namespace):
            raise Forbidden(f"You may not create flowruns.towpath.dev in namespace {namespace!r}.")

    async def _owns(self, namespace: str, pod: str, uid: str, run_id: UUID, number: int) -> tuple[bool, bool]:
        """Whether the pod is the attempt's, and whether that is settled: until one takes it, several pods may be."""
        async with self._database.read() as reader:
            row = await find_flow_run(reader, run_id)
            attempt = await find_attempt(reader, run_id, number)
        if row is None or attempt is None or row["namespace"] != namespace:
            return False, False
        if attempt["pod_uid"] is not None:
            return attempt["pod_uid"] == uid, True
        facts = await self._reviewer.find_pod(namespace, pod)
        job = attempt["job_name"] or job_name(row["deployment_slug"] or "", run_id, number)
        return facts is not None and is_of_attempt(facts, uid, LABEL_RUN_ID, run_id, job, attempt["job_uid"]), False


def seconds_left(token: str, now: float) -> float:
    """How long the token says that it lasts; for ever for one that does not say. Only shortens what a review has granted."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return max(0.0, float(claims["exp"]) - now)
    except (IndexError, ValueError, KeyError, TypeError):
        return float("inf")


def home_namespace(who: Identity) -> str:
    """The ServiceAccount's namespace; the default one for people."""
    if who.user.startswith(_SERVICE_ACCOUNT):
        return who.user.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
    return LOCAL_NAMESPACE
