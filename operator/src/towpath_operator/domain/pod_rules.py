"""The allow-list that a pod's final manifest is checked against, whatever its templates were made of. Pure.

Called by pod_manifests with what it is about to hand to Kubernetes. Templates pass free-form objects (volume sources,
tolerations) through, and a schema of an older CRD may let through more than today's: only this check counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from towpath.contract import names
from towpath_operator.domain.reading import get_map, get_str

RESERVED_PREFIX: Final = "towpath-"
"""Volumes whose names begin so are Towpath's own."""

_POD_FIELDS: Final = frozenset(
    {
        "affinity",
        "automountServiceAccountToken",
        "containers",
        "enableServiceLinks",
        "imagePullSecrets",
        "nodeSelector",
        "priorityClassName",
        "restartPolicy",
        "runtimeClassName",
        "schedulerName",
        "securityContext",
        "serviceAccountName",
        "terminationGracePeriodSeconds",
        "tolerations",
        "topologySpreadConstraints",
        "volumes",
    }
)
_CONTAINER_FIELDS: Final = frozenset(
    {
        "command",
        "env",
        "envFrom",
        "image",
        "imagePullPolicy",
        "name",
        "resources",
        "securityContext",
        "volumeMounts",
        "workingDir",
    }
)
_VOLUME_SOURCES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_PROJECTED_SOURCES: Final = frozenset({"configMap", "downwardAPI", "secret"})
_SYSTEM_PRIORITY: Final = "system-"
_FREE_DOMAINS: Final = frozenset({"app.kubernetes.io", "cluster-autoscaler.kubernetes.io"})
_SYSTEM_DOMAINS: Final = (
    "kubernetes.io",
    "k8s.io",
    "x-k8s.io",
    "cncf.io",
    "multus-cni.io",
    "cni.projectcalico.org",
    "crio.io",
    "amazonaws.com",
    "iam.gke.io",
    "workload.identity",
)
"""Domains of labels and annotations, with all below them, that change where or as whom a pod runs."""

_SYSTEM_PREFIXES: Final = ("io.kubernetes.", "io.katacontainers.", "aadpodidbinding")
"""Such names that have no domain in front of a slash."""


@dataclass(frozen=True, slots=True)
class PodPolicy:
    """What the administrator allows beyond the built-in rules.

    Attributes:
        service_accounts: ServiceAccounts that pods may run as; every other one is refused.
        csi_drivers: drivers whose volumes a pod may have inline; every other one is refused, since what a driver gives to
            whoever names it (a folder of the node, a secret of the cloud) is beyond what can be judged here. A
            PersistentVolumeClaim may be of any driver.
    """

    service_accounts: frozenset[str] = frozenset()
    csi_drivers: frozenset[str] = frozenset()


def check_pod(spec: Mapping[str, Any], policy: PodPolicy) -> list[str]:
    """What in a pod's spec is not allowed, each as a sentence that names the field; empty when all is well."""
    return [problem for rule in _RULES for problem in rule(spec, policy)]


def check_metadata(metadata: Mapping[str, Any]) -> list[str]:
    """Which labels and annotations of a template a flow's pod may not have, each as a sentence.

    Refused is what speaks to the cluster, not to people: names of Kubernetes itself (AppArmor and seccomp profiles, limits,
    owners), of its container runtimes and networks, and of clouds that give a pod an identity by them. People's own,
    service meshes' and scrapers' names are free, and so are app.kubernetes.io's and the cluster autoscaler's.
    """
    return [
        f"metadata.{part} may not hold {name!r}: names of {owner} are not for a flow's pod to set."
        for part in ("labels", "annotations")
        for name in sorted(get_map(metadata, part))
        if (owner := _find_owner(name)) is not None
    ]


def _find_owner(name: str) -> str | None:
    domain, slash, _ = name.partition("/")
    if not slash:
        return next((prefix for prefix in _SYSTEM_PREFIXES if name.startswith(prefix)), None)
    if domain in _FREE_DOMAINS:
        return None
    return next((owner for owner in _SYSTEM_DOMAINS if domain == owner or domain.endswith(f".{owner}")), None)


def _check_fields(spec: Mapping[str, Any], _: PodPolicy) -> Iterator[str]:
    for field in sorted(set(spec) - _POD_FIELDS):
        yield f"spec.{field} may not be set on a flow's pod."
    containers = spec.get("containers", [])
    if [container.get("name") for container in containers] != [names.FLOW_CONTAINER]:
        yield f"spec.containers must hold the one container {names.FLOW_CONTAINER!r}."
    for container in containers:
        for field in sorted(set(container) - _CONTAINER_FIELDS):
            yield f"spec.containers[{container.get('name')}].{field} may not be set."


def _check_security(spec: Mapping[str, Any], _: PodPolicy) -> Iterator[str]:
    pod = spec.get("securityContext", {})
    if pod.get("runAsNonRoot") is not True or pod.get("runAsUser") == 0:
        yield "spec.securityContext must run the pod as a user other than root."
    if pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "spec.securityContext.seccompProfile must be RuntimeDefault."
    for container in spec.get("containers", []):
        context = container.get("securityContext", {})
        dropped = context.get("capabilities") == {"drop": ["ALL"]}
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged") or not dropped:
            yield f"spec.containers[{container.get('name')}].securityContext must drop all privileges."


def _check_volumes(spec: Mapping[str, Any], policy: PodPolicy) -> Iterator[str]:
    for volume in spec.get("volumes", []):
        name = str(volume.get("name", ""))
        for source in sorted(set(volume) - {"name"} - _VOLUME_SOURCES):
            yield f"spec.volumes[{name}].{source} is no volume that a flow's pod may have."
        if "projected" in volume and not name.startswith(RESERVED_PREFIX):
            yield from _check_projected(f"spec.volumes[{name}].projected.sources", volume)
        driver = get_str(volume, "csi", "driver")
        if "csi" in volume and driver not in policy.csi_drivers:
            yield (
                f"spec.volumes[{name}].csi: the driver {driver!r} is not among those that the operator allows"
                " (TOWPATH_OPERATOR_ALLOWED_CSI_DRIVERS in the chart's operator.env); a PersistentVolumeClaim may be of any driver."
            )


def _check_projected(field: str, volume: Mapping[str, Any]) -> Iterator[str]:
    sources = get_map(volume, "projected").get("sources")
    if not isinstance(sources, list):
        yield f"{field} must be a list."
        return
    for part in sources:
        if not isinstance(part, dict):
            yield f"{field} must hold objects only, not {part!r}."
            continue
        for source in sorted(set(part) - _PROJECTED_SOURCES):
            yield f"{field} may not hold a {source}."


def _check_identity(spec: Mapping[str, Any], policy: PodPolicy) -> Iterator[str]:
    account = spec.get("serviceAccountName")
    if account and account not in policy.service_accounts:
        yield (
            f"spec.serviceAccountName {account!r} is not among those that the operator allows"
            " (operator.allowedServiceAccounts in the chart's values)."
        )
    if str(spec.get("priorityClassName", "")).startswith(_SYSTEM_PRIORITY):
        yield "spec.priorityClassName may not be one of the system's own classes."
    if spec.get("automountServiceAccountToken") is not False and not account:
        yield "spec.automountServiceAccountToken must be false."


_RULES: Final[tuple[Callable[[Mapping[str, Any], PodPolicy], Iterator[str]], ...]] = (
    _check_fields,
    _check_security,
    _check_volumes,
    _check_identity,
)
