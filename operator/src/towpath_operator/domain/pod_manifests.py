"""Builds the pod template of an attempt's Job: templates merged, Towpath's own parts added, the whole checked. Pure.

Called by the reconcilers when they make a Job. The result meets Kubernetes' restricted pod security standard.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from towpath.contract import names
from towpath.contract.runs import ClaimedRun
from towpath_operator.domain.blocks import BlockSecrets, build_secret_sources
from towpath_operator.domain.flow_runs import build_labels
from towpath_operator.domain.objects import ANNOTATION_FLOW_RUN, LABEL_MANAGED_BY, MANAGED_BY, RunKey
from towpath_operator.domain.pod_rules import RESERVED_PREFIX, PodPolicy, check_metadata, check_pod
from towpath_operator.domain.pod_templates import merge_templates

HOME_DIR: Final = "/var/run/towpath/home"
"""The runner's TOWPATH_HOME in a pod: a folder of the pod's own, writable for whatever user it runs as."""

_OUR_ROOT: Final = "/var/run/towpath"
_TOKEN_VOLUME: Final = f"{RESERVED_PREFIX}token"
_BLOCKS_VOLUME: Final = f"{RESERVED_PREFIX}blocks"
_HOME_VOLUME: Final = f"{RESERVED_PREFIX}home"
_TOKEN_FILE: Final = "token"
_TOKEN_SECONDS: Final = 3_600
_RESULTS_STORAGE: Final = "TOWPATH_RESULTS_STORAGE"
_RESULTS_IN_API: Final = "api://"
"""Where results go by default: a pod's own disk goes with it, and the next one could take nothing from its cache."""
_GRACE_SECONDS: Final = 30
"""Kubernetes' default, written out, since the runner is told how long it has."""


class PodRefused(Exception):  # noqa: N818 it is a verdict on a template
    """A template that makes a pod which may not be. `problems` are sentences for people."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What the operator adds to every pod.

    Attributes:
        api_url: where pods reach the API.
        image: the flow image, for flows that name none.
        image_pull_policy: its pull policy; empty for Kubernetes' default.
        run_as_user: the user that pods run as unless a template says otherwise; None for the image's.
        env: further environment variables, by name.
        policy: what templates may ask for.
    """

    api_url: str
    image: str
    image_pull_policy: str = ""
    run_as_user: int | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    policy: PodPolicy = field(default_factory=PodPolicy)


def build_pod_template(
    claimed: ClaimedRun, key: RunKey, blocks: Sequence[BlockSecrets], settings: PodSettings
) -> dict[str, Any]:
    """The pod template of a claimed attempt.

    Raises:
        PodRefused: the templates ask for something that a flow's pod may not have.
    """
    merged = merge_templates(
        (
            claimed.work_queue.spec.pod_template,
            claimed.flow.spec.pod_template if claimed.flow.spec is not None else None,
            claimed.deployment.spec.pod_template,
            claimed.pod_template,
        )
    )
    spec = dict(merged.get("spec", {}))
    given = dict(next(iter(spec.get("containers", [])), {}))
    problems = [
        *check_metadata(merged.get("metadata", {})),
        *_check_reserved_env(given),
        *_check_reserved_volumes(spec, given),
    ]
    grace_seconds = spec.setdefault("terminationGracePeriodSeconds", _GRACE_SECONDS)
    sources = build_secret_sources(blocks)
    spec["containers"] = [_build_container(given, claimed, settings, grace_seconds, has_blocks=bool(sources))]
    spec["volumes"] = [*spec.get("volumes", []), *_build_volumes(sources)]
    spec["securityContext"] = _build_pod_security(spec.get("securityContext", {}), settings)
    spec |= {"restartPolicy": "Never", "automountServiceAccountToken": False, "enableServiceLinks": False}
    problems += check_pod(spec, settings.policy)
    if problems:
        raise PodRefused(problems)
    return {"metadata": _build_metadata(merged.get("metadata", {}), claimed, key), "spec": spec}


def _build_metadata(given: Mapping[str, Any], claimed: ClaimedRun, key: RunKey) -> dict[str, Any]:
    labels = {name: value for name, value in given.get("labels", {}).items() if not _is_ours(name)}
    annotations = {name: value for name, value in given.get("annotations", {}).items() if not _is_ours(name)}
    own = build_labels(claimed.run) | {names.LABEL_ATTEMPT: str(claimed.attempt), LABEL_MANAGED_BY: MANAGED_BY}
    marks = {ANNOTATION_FLOW_RUN: key.name, "kubectl.kubernetes.io/default-container": names.FLOW_CONTAINER}
    return {"labels": labels | own, "annotations": annotations | marks}


def _is_ours(name: str) -> bool:
    domain = name.partition("/")[0]
    return domain == names.GROUP or domain.endswith(f".{names.GROUP}")


def _build_container(
    given: dict[str, Any], claimed: ClaimedRun, settings: PodSettings, grace_seconds: int, *, has_blocks: bool
) -> dict[str, Any]:
    flow_image = claimed.flow.spec.image if claimed.flow.spec is not None else None
    image = given.get("image") or flow_image or settings.image
    container = given | {
        "name": names.FLOW_CONTAINER,
        "image": image,
        "command": ["python", "-m", "towpath.runner"],
        "env": _build_env(claimed, settings, grace_seconds, given.get("env", [])),
        "volumeMounts": [*given.get("volumeMounts", []), *_build_mounts(has_blocks=has_blocks)],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if image == settings.image and settings.image_pull_policy:
        container.setdefault("imagePullPolicy", settings.image_pull_policy)
    return container


def _build_env(
    claimed: ClaimedRun, settings: PodSettings, grace_seconds: int, given: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Our own variables, then the template's, which may replace those that are not reserved."""
    names_given = {entry["name"] for entry in given}
    own = _build_own_env(claimed, settings, grace_seconds)
    return [*(entry for entry in own if entry["name"] not in names_given), *given]


def _find_results_storage(claimed: ClaimedRun) -> str | None:
    """Where the run's results go, if its deployment or flow says so."""
    flow = claimed.flow.spec
    block = claimed.deployment.spec.result_storage or (flow.result_storage if flow is not None else None)
    return f"block://{block}" if block is not None else None


def _build_own_env(claimed: ClaimedRun, settings: PodSettings, grace_seconds: int) -> list[dict[str, Any]]:
    storage = _find_results_storage(claimed)
    values = {_RESULTS_STORAGE: _RESULTS_IN_API} | dict(settings.env)
    values |= {_RESULTS_STORAGE: storage} if storage is not None else {}
    values |= {
        "TOWPATH_API_URL": settings.api_url,
        "TOWPATH_API_TOKEN_FILE": f"{names.TOKEN_DIR}/{_TOKEN_FILE}",
        "TOWPATH_RUN_ID": str(claimed.run.id),
        "TOWPATH_ATTEMPT": str(claimed.attempt),
        "TOWPATH_HOME": HOME_DIR,
        "TOWPATH_GRACE_PERIOD": str(grace_seconds),
    }
    fields = {
        "TOWPATH_POD_NAME": "metadata.name",
        "TOWPATH_POD_UID": "metadata.uid",
        "TOWPATH_NAMESPACE": "metadata.namespace",
    }
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
    ]


_OWN_ENV: Final = frozenset(
    {
        "TOWPATH_API_URL",
        "TOWPATH_API_TOKEN_FILE",
        "TOWPATH_RUN_ID",
        "TOWPATH_ATTEMPT",
        "TOWPATH_HOME",
        "TOWPATH_GRACE_PERIOD",
        "TOWPATH_POD_NAME",
        "TOWPATH_POD_UID",
        "TOWPATH_NAMESPACE",
    }
)


def _check_reserved_env(given: Mapping[str, Any]) -> list[str]:
    taken = sorted(entry["name"] for entry in given.get("env", []) if entry["name"] in _OWN_ENV)
    return [f"spec.containers[flow].env may not set {name}, which Towpath sets itself." for name in taken]


def _check_reserved_volumes(spec: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    problems = [
        f"spec.volumes may not hold {volume['name']!r}: names that begin with {RESERVED_PREFIX!r} are Towpath's own."
        for volume in spec.get("volumes", [])
        if str(volume["name"]).startswith(RESERVED_PREFIX)
    ]
    for mount in given.get("volumeMounts", []):
        path = _resolve(str(mount["mountPath"]))
        if path == _resolve(_OUR_ROOT) or path.startswith(f"{_resolve(_OUR_ROOT)}/"):
            problems.append(
                f"spec.containers[flow].volumeMounts may not mount {mount['mountPath']}, which is Towpath's own."
            )
    return problems


def _resolve(path: str) -> str:
    """The path as the container has it: without detours, and /var/run as /run, which it is a link to in most images."""
    plain = posixpath.normpath(f"/{path.lstrip('/')}")
    return plain.removeprefix("/var") if f"{plain}/".startswith("/var/run/") else plain


def _build_mounts(*, has_blocks: bool) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": _TOKEN_VOLUME, "mountPath": names.TOKEN_DIR, "readOnly": True},
        {"name": _HOME_VOLUME, "mountPath": HOME_DIR},
    ]
    if has_blocks:
        mounts.append({"name": _BLOCKS_VOLUME, "mountPath": names.BLOCKS_DIR, "readOnly": True})
    return mounts


def _build_volumes(secret_sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    token = {"audience": names.API_AUDIENCE, "expirationSeconds": _TOKEN_SECONDS, "path": _TOKEN_FILE}
    volumes: list[dict[str, Any]] = [
        {"name": _TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": _HOME_VOLUME, "emptyDir": {}},
    ]
    if secret_sources:
        volumes.append({"name": _BLOCKS_VOLUME, "projected": {"sources": list(secret_sources)}})
    return volumes


def _build_pod_security(given: Mapping[str, Any], settings: PodSettings) -> dict[str, Any]:
    defaults = {} if settings.run_as_user is None else {"runAsUser": settings.run_as_user}
    return defaults | dict(given) | {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
