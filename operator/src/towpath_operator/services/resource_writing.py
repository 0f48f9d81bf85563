"""Declares flows, deployments, queues, notifications and limits for callers: straight into the read model in local mode, as
resources in a cluster. Called by the routes of what is declared.

In a cluster the resource is the truth. What a caller puts is checked against the read model first, so that nothing which could not
be accepted is written; then it is applied, and the read model gets it before the operator tells of it. What Kubernetes is asked
stands behind `DeclaredResources`, which kube.declared implements.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from towpath.contract.declared import Declaration, DeclaredRead
from towpath.contract.declared_names import get_resource_name
from towpath.contract.resources.base import Kind, Model, document
from towpath_operator.domain.block_writing import find_tracker
from towpath_operator.domain.reading import Raw, get_map, get_str
from towpath_operator.domain.refusals import Conflict, NameTaken
from towpath_operator.domain.resource_patches import name_spec, plan_leftovers
from towpath_operator.services.cluster_blocks import read_resource
from towpath_operator.services.declared import Nouns

PutT = TypeVar("PutT", bound=Declaration)
ReadT = TypeVar("ReadT", bound=DeclaredRead)


class DeclaredResources(Protocol):
    """What is asked of Kubernetes. Each call raises a Refusal when it is refused or cannot be asked."""

    async def find(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        """The resource, if there is one."""
        ...

    async def apply(self, kind: Kind, body: Mapping[str, Any]) -> Raw:
        """Makes the resource, or makes its fields be as `body` says."""
        ...

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any]) -> Raw:
        """Changes the resource by a JSON merge patch."""
        ...

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Deletes the resource with this uid; nothing when it is gone."""
        ...


class DeclaredWriter(Protocol):
    """Declares things, and takes declarations away, where they are kept."""

    async def put(self, kind: Kind, nouns: Nouns[PutT, ReadT], declaration: PutT) -> ReadT:
        """Declares what no resource has declared yet, or replaces it."""
        ...

    async def delete(self, kind: Kind, nouns: Nouns[PutT, ReadT], found: ReadT, *, with_resource: bool) -> None:
        """Takes a declaration away, and with it the resource that declares it if `with_resource`."""
        ...


class LocalWriter:
    """Local mode, where the read model is the truth."""

    async def put(self, kind: Kind, nouns: Nouns[PutT, ReadT], declaration: PutT) -> ReadT:
        """Declares it."""
        return await nouns.put(declaration)

    async def delete(self, kind: Kind, nouns: Nouns[PutT, ReadT], found: ReadT, *, with_resource: bool) -> None:
        """Takes it away."""
        await nouns.delete(found.id)


class ClusterWriter:
    """A cluster, where resources are the truth."""

    def __init__(self, resources: DeclaredResources) -> None:
        self._resources = resources

    async def put(self, kind: Kind, nouns: Nouns[PutT, ReadT], declaration: PutT) -> ReadT:
        """Applies the resource as `declaration` says, no field more, and notes it.

        Raises:
            Conflict: a repository keeps the resource as it is.
            NameTaken: another name has the same resource name.
            Refusal: what the read model, or Kubernetes, refuses it for.
        """
        given: Model = getattr(declaration, "spec")  # noqa: B009 - each kind's Put has one of its own type
        namespace, name = declaration.namespace, get_resource_name(declaration.name, given)
        spec = name_spec(declaration.name, name, given)
        existing = await self._resources.find(kind, namespace, name)
        if existing is not None:
            _check_existing(kind, existing, declaration.name)
        await nouns.check(declaration.model_copy(update={"spec": spec}), name)
        written = await self._resources.apply(kind, document(kind, name, spec, namespace))
        leftovers = plan_leftovers(kind, get_map(written, "spec"), spec)
        if leftovers:
            written = await self._resources.patch(kind, namespace, name, {"spec": leftovers})
        return await nouns.put(declaration.model_copy(update={"spec": spec, "resource": read_resource(written)}))

    async def delete(self, kind: Kind, nouns: Nouns[PutT, ReadT], found: ReadT, *, with_resource: bool) -> None:
        """Deletes the resource, then the read model; or the latter alone.

        Raises:
            Conflict: a repository keeps the resource as it is.
        """
        if with_resource and found.resource is not None:
            existing = await self._resources.find(kind, found.namespace, found.resource.name)
            if existing is not None:
                _check_tracker(kind, existing)
                uid = get_str(get_map(existing, "metadata"), "uid")
                await self._resources.delete(kind, found.namespace, found.resource.name, uid)
        await nouns.delete(found.id)


def _check_existing(kind: Kind, existing: Raw, wanted: str) -> None:
    given = get_str(get_map(existing, "spec"), "name")
    if given and given != wanted:
        name = get_str(get_map(existing, "metadata"), "name")
        raise NameTaken(f"The {kind.kind} {given!r} has the resource name {name!r} already: choose another name.")
    _check_tracker(kind, existing)


def _check_tracker(kind: Kind, existing: Raw) -> None:
    tracker = find_tracker(existing)
    if tracker is not None:
        name = get_str(get_map(existing, "metadata"), "name")
        raise Conflict(f"{tracker} keeps {kind.kind} {name!r} as its repository has it: change it there.")
