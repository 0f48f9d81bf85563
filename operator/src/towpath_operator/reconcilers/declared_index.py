"""The declaring resources that other reconcilers look up: Blocks for pods, Deployments for FlowRuns. Filled by the watches."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from towpath.contract.resources.block import SecretRef
from towpath.contract.resources.deployment import DeploymentSpec
from towpath_operator.domain.blocks import BlockSecrets, find_references
from towpath_operator.domain.reading import Raw, get_int, get_list, get_map, get_str

Key = tuple[str, str, str]
"""kind, namespace, name."""


class DeclaredIndex:
    """Bodies of the declaring resources as last seen. There are few of them."""

    def __init__(self) -> None:
        self._bodies: dict[Key, Raw] = {}

    def put(self, kind: str, body: Raw) -> None:
        """Keep a resource as seen."""
        self._bodies[_key(kind, body)] = body

    def remove(self, kind: str, body: Raw) -> None:
        """A resource is gone."""
        self._bodies.pop(_key(kind, body), None)

    def of_kind(self, kind: str, namespace: str | None = None) -> list[Raw]:
        """The resources of a kind, in one namespace or in all."""
        return [
            body
            for (of, where, _), body in self._bodies.items()
            if of == kind and (namespace is None or where == namespace)
        ]

    def find(self, kind: str, namespace: str, name: str) -> Raw | None:
        """One resource."""
        return self._bodies.get((kind, namespace, name))

    def blocks(self, namespace: str) -> list[BlockSecrets]:
        """The Blocks of a namespace with the Secret keys they name; malformed references are left out."""
        found: list[BlockSecrets] = []
        for body in self.of_kind("Block", namespace):
            refs = [ref for raw in get_list(body, "spec", "secretRefs") if (ref := _parse_ref(raw)) is not None]
            held = tuple(find_references(get_map(body, "spec", "config")))
            found.append(BlockSecrets(get_str(body, "metadata", "name"), tuple(refs), references=held))
        return sorted(found, key=lambda block: block.resource_name)

    def ttl_seconds(self, namespace: str, deployment_resource: str | None) -> int:
        """How long finished FlowRuns of a Deployment are kept; the default where it is not known."""
        body = self.find("Deployment", namespace, deployment_resource or "")
        ttl = get_int(get_map(body, "spec"), "ttlSecondsAfterFinished")
        default: int = DeploymentSpec.model_fields["ttl_seconds_after_finished"].default
        return ttl if ttl is not None else default


def _key(kind: str, body: Raw) -> Key:
    metadata: Mapping[str, Any] = get_map(body, "metadata")
    return kind, get_str(metadata, "namespace"), get_str(metadata, "name")


def _parse_ref(raw: Any) -> SecretRef | None:
    try:
        return SecretRef.model_validate(raw)
    except ValidationError:
        return None
