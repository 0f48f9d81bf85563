"""The allow-list that a pod's final manifest is checked against, whatever its templates were made of. Pure.

Called by pod_manifests with what it is about to hand to Kubernetes. Templates pass free-form objects (volume sources,
tolerations) through, and a schema of an older CRD may let through more than today's: only this check counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from towpath.contract import names

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


@dataclass(frozen=True, slots=True)
class PodPolicy:
    """What the administrator allows beyond the built-in rules.

    Attributes:
        service_accounts: ServiceAccounts that pods may run as; every other one is refused.
    """

    service_accounts: frozenset[str] = frozenset()


def check_pod(spec: Mapping[str, Any], policy: PodPolicy) -> list[str]:
    """What in a pod's spec is not allowed, each as a sentence that names the field; empty when all is well."""
    return [problem for rule in _RULES for problem in rule(spec, policy)]


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


def _check_volumes(spec: Mapping[str, Any], _: PodPolicy) -> Iterator[str]:
    for volume in spec.get("volumes", []):
        name = str(volume.get("name", ""))
        for source in sorted(set(volume) - {"name"} - _VOLUME_SOURCES):
            yield f"spec.volumes[{name}].{source} is no volume that a flow's pod may have."
        if name.startswith(RESERVED_PREFIX):
            continue
        for part in volume.get("projected", {}).get("sources", []):
            for source in sorted(set(part) - _PROJECTED_SOURCES):
                yield f"spec.volumes[{name}].projected.sources may not hold a {source}."


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
