"""Makes a resource be what was declared, and no more. Pure; called by services.resource_writing.

Server-side apply leaves alone what others wrote: a schedule that `kubectl` added stays beside those applied. Who puts a declaration
means all of it, so what is left over is taken away by a merge patch.
"""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from towpath.contract.declared_names import NameMismatchError, get_declared_name
from towpath.contract.resources.base import Kind, Model
from towpath_operator.domain.reading import Raw


def name_spec(name: str, resource_name: str, spec: Model) -> Model:
    """The spec with its name for people in it, where metadata.name does not say it."""
    if "name" not in type(spec).model_fields:
        return spec
    plain = spec.model_copy(update={"name": None})
    try:
        is_said = get_declared_name(resource_name, plain) == name
    except NameMismatchError:
        is_said = False
    return plain if is_said else spec.model_copy(update={"name": name})


def plan_leftovers(kind: Kind, found: Raw, wanted: Model) -> dict[str, Any]:
    """The merge patch that makes a spec, as Kubernetes has it, be `wanted`; empty when it is.

    Args:
        found: with the defaults that Kubernetes fills in.
    """
    try:
        if kind.spec.model_validate(found) == wanted:
            return {}
    except ValidationError:
        pass  # it holds what no version of ours would take: the patch says all
    return build_merge_patch(found, wanted.model_dump(mode="json", by_alias=True, exclude_none=True))


def build_merge_patch(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) that turns one object into the other. What `wanted` says as null is absent in it."""
    patch: dict[str, Any] = {name: None for name in found if name not in wanted}
    for name, value in wanted.items():
        before = found.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            inner = build_merge_patch(cast("dict[str, Any]", before), cast("dict[str, Any]", value))
            if inner:
                patch[name] = inner
        elif before != value or name not in found:
            patch[name] = value
    return patch
