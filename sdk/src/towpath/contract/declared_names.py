"""How a resource's metadata.name and the name that people give it go together: one rule for manifests, operator and API.

The operator and `towpath deployment apply` ask for the name that a document declares; the API, which writes resources, for the
metadata.name of a declaration.
"""

from towpath.contract import names
from towpath.contract.resources.base import Model
from towpath.contract.resources.block import BlockSpec
from towpath.contract.resources.concurrency_limit import ConcurrencyLimitSpec
from towpath.contract.resources.deployment import DeploymentSpec


class NameMismatchError(ValueError):
    """metadata.name and spec contradict one another. The text is one sentence that says how."""


def get_declared_name(metadata_name: str, spec: Model) -> str:
    """The name for people that a document declares, which the API keeps.

    Raises:
        NameMismatchError: metadata.name is not the one that follows from the spec.
    """
    if isinstance(spec, ConcurrencyLimitSpec):
        return spec.tag
    given = _given_name(spec)
    prefix, because = _prefix(spec)
    if given is not None:
        expected = get_resource_name(given, spec)
        if metadata_name != expected:
            raise _mismatch(
                metadata_name, expected, f"{because}{' and ' if because else ''}spec.name {given!r}", both=bool(because)
            )
        return given
    if prefix and (not metadata_name.startswith(prefix) or metadata_name == prefix):
        raise _mismatch(metadata_name, f"{prefix}<name>", because, both=False)
    return metadata_name.removeprefix(prefix)


def get_resource_name(name: str, spec: Model) -> str:
    """The metadata.name of a declaration.

    Args:
        name: the name for people; of a deployment without its flow, of a block without its type.
    """
    if isinstance(spec, DeploymentSpec):
        return names.deployment_resource_name(spec.flow, name)
    if isinstance(spec, BlockSpec):
        return names.block_resource_name(spec.type, name)
    return names.slug(name)


def _given_name(spec: Model) -> str | None:
    found = getattr(spec, "name", None)
    return found if isinstance(found, str) else None


def _prefix(spec: Model) -> tuple[str, str]:
    """What metadata.name begins with, and because of which field."""
    if isinstance(spec, DeploymentSpec):
        return f"{names.slug(spec.flow)}.", f"spec.flow {spec.flow!r}"
    if isinstance(spec, BlockSpec):
        return f"{names.slug(spec.type)}.", f"spec.type {spec.type!r}"
    return "", ""


def _mismatch(metadata_name: str, expected: str, because: str, *, both: bool) -> NameMismatchError:
    verb = "make" if both else "makes"
    return NameMismatchError(
        f"metadata.name is {metadata_name!r}, but {because} {verb} it {expected!r}: rename one of them."
    )
