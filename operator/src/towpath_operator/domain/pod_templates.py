"""Lays PodTemplates over one another: WorkQueue, Flow, Deployment, FlowRun, the later wins. Pure; called by pod_manifests.

Objects merge field by field, lists of named things by name, other lists by appending; what Kubernetes calls a union (an
environment variable's source, a volume's) is replaced whole.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from towpath.contract.resources.pod_template import PodTemplate

_MERGED_BY: Final[Mapping[str, str]] = {"containers": "name"}
_REPLACED_BY: Final[Mapping[str, str]] = {
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
}
_ATOMIC: Final = frozenset({"affinity"})


def merge_templates(templates: Iterable[PodTemplate | None]) -> dict[str, Any]:
    """The templates laid over one another in order, as Kubernetes writes a PodTemplateSpec; only what was set is in it."""
    merged: dict[str, Any] = {}
    for template in templates:
        if template is not None:
            patch = template.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
            merged = _merge_objects(merged, patch)
    return merged


def _merge_objects(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        before = merged.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and key not in _ATOMIC:
            merged[key] = _merge_objects(before, value)
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = _merge_lists(key, before, value)
        else:
            merged[key] = value
    return merged


def _merge_lists(field: str, base: list[Any], patch: list[Any]) -> list[Any]:
    if field in _MERGED_BY:
        return _by_key(base, patch, _MERGED_BY[field], merge=True)
    if field in _REPLACED_BY:
        return _by_key(base, patch, _REPLACED_BY[field], merge=False)
    return [*base, *(item for item in patch if item not in base)]


def _by_key(base: list[Any], patch: list[Any], key: str, *, merge: bool) -> list[Any]:
    """The items of both, those of one key once, in the order of their first appearance."""
    merged = {item[key]: item for item in base}
    for item in patch:
        before = merged.get(item[key])
        merged[item[key]] = _merge_objects(before, item) if merge and before is not None else item
    return list(merged.values())
