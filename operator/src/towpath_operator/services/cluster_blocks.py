"""Saves and deletes blocks in a cluster: Block resources and Secrets, on behalf of the caller. Called by the routes of blocks.

The API may create and delete Secrets and never read one. It does so only for callers who may themselves. What Kubernetes is asked
stands behind `BlockResources`, which kube.blocks implements.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from towpath.contract.block_secrets import BlockSecrets
from towpath.contract.declared import BlockPut, BlockRead, ResourceRef
from towpath.contract.names import block_resource_name
from towpath.contract.resources.block import BlockSpec, SecretRef
from towpath_operator.domain.block_writing import (
    SecretPlan,
    build_block,
    build_secret,
    find_tracker,
    name_kube_secret,
    plan_secrets,
)
from towpath_operator.domain.reading import Raw, get_int, get_map, get_str
from towpath_operator.domain.refusals import Conflict, Forbidden, NameTaken
from towpath_operator.services.block_rights import Check, Rights
from towpath_operator.services.declared import Nouns

SECRETS = "secrets.core"


class BlockResources(Protocol):
    """What is asked of Kubernetes. Each call raises a Refusal when it is refused or cannot be asked."""

    async def find(self, namespace: str, name: str) -> Raw | None:
        """The Block, if there is one."""
        ...

    async def apply(self, body: Mapping[str, Any]) -> Raw:
        """Makes the Block, or makes it be as `body` says."""
        ...

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Deletes the Block with this uid; nothing when it is gone."""
        ...

    async def create_secret(self, body: Mapping[str, Any]) -> bool:
        """Makes the Secret. Whether it did: False when there is one of its name."""
        ...

    async def delete_secret(self, namespace: str, name: str) -> None:
        """Deletes the Secret; nothing when it is gone."""
        ...


class ClusterBlocks:
    """The blocks of a cluster.

    Args:
        blocks: the read model, which gets what was written before the operator tells of it.
        check: checks a block against its type.
    """

    def __init__(self, blocks: Nouns[BlockPut, BlockRead], check: Check, resources: BlockResources) -> None:
        self._blocks = blocks
        self._check = check
        self._resources = resources

    async def put(self, declaration: BlockPut, rights: Rights, *, overwrite: bool) -> BlockRead:
        """Saves a block as its resource, and its secrets as Secrets that the resource owns.

        A new Block comes before its Secrets, which need its uid; of one that exists the Secrets come first, so that no run starts
        between the two with what does not belong together.

        Raises:
            NameTaken: there is one of that name, or a Secret of the name that one of its secrets would get.
            Conflict: a repository keeps the resource as it is.
            Forbidden: the caller may not write Secrets there.
        """
        namespace = declaration.namespace
        name = block_resource_name(declaration.spec.type, declaration.name)
        existing = await self._resources.find(namespace, name)
        if existing is not None:
            _check_existing(existing, declaration, overwrite=overwrite)
        plan = plan_secrets(declaration, read_refs(existing), name, name_kube_secret)
        await self._check(declaration, [ref.field for ref in plan.refs])
        await _check_rights(rights, namespace, plan, read_refs(existing))
        spec = declaration.spec.model_copy(update={"name": declaration.name, "secret_refs": list(plan.refs)})
        body = build_block(namespace, name, spec)
        if existing is None:
            written = await self._create(body, plan)
        else:
            await self._write_secrets(existing, plan, read_refs(existing), [])
            written = await self._resources.apply(body)
        await self._delete_secrets(namespace, plan.dropped)
        resource = read_resource(written)
        return await self._blocks.put(
            declaration.model_copy(update={"resource": resource, "spec": spec, "secrets": {}})
        )

    async def _create(self, body: Mapping[str, Any], plan: SecretPlan) -> Raw:
        written = await self._resources.apply(body)
        made: list[SecretRef] = []
        try:
            await self._write_secrets(written, plan, (), made)
        except BaseException:
            namespace, name, uid = _identity(written)
            await self._delete_secrets(namespace, made)
            await self._resources.delete(namespace, name, uid)
            raise
        return written

    async def _write_secrets(
        self, block: Raw, plan: SecretPlan, before: Sequence[SecretRef], made: list[SecretRef]
    ) -> None:
        namespace, name, uid = _identity(block)
        for ref in plan.refs:
            if ref.field not in plan.writes:
                continue
            if ref in before:
                await self._resources.delete_secret(namespace, ref.secret)
            body = build_secret(namespace, name, uid, ref, plan.writes[ref.field])
            if not await self._resources.create_secret(body):
                raise NameTaken(
                    f"There is a Secret {ref.secret!r} in namespace {namespace!r} that Block {name!r} does not use: delete "
                    "or rename it."
                )
            made.append(ref)

    async def _delete_secrets(self, namespace: str, refs: Iterable[SecretRef]) -> None:
        for ref in refs:
            await self._resources.delete_secret(namespace, ref.secret)

    async def delete(self, block: BlockRead, rights: Rights, *, with_resource: bool) -> None:
        """Deletes the resource, whose Secrets go with it, then the read model; or the latter alone.

        Kubernetes takes its time to collect what a deleted object owned, so a caller who may has the Secrets deleted here: a
        block of the same name can be saved at once.

        Raises:
            Conflict: a repository keeps the resource as it is.
        """
        if with_resource and block.resource is not None:
            existing = await self._resources.find(block.namespace, block.resource.name)
            if existing is not None:
                _check_tracker(existing)
                namespace, name, uid = _identity(existing)
                await self._resources.delete(namespace, name, uid)
                own = [ref for ref in read_refs(existing) if ref == name_kube_secret(name, ref.field)]
                if own and await _may_delete(rights, namespace):
                    await self._delete_secrets(namespace, own)
        await self._blocks.delete(block.id)

    async def reveal(self, block: BlockRead) -> BlockSecrets:
        """Tells nothing.

        Raises:
            Forbidden: always: pods have the secrets as files.
        """
        raise Forbidden("The API cannot read Secrets: runs have those of their blocks as files.")


def read_refs(block: Raw | None) -> tuple[SecretRef, ...]:
    """The secret fields of a Block as it is in the cluster; malformed ones are left out."""
    if block is None:
        return ()
    try:
        return tuple(BlockSpec.model_validate(get_map(block, "spec")).secret_refs)
    except ValidationError:
        return ()


def read_resource(block: Raw) -> ResourceRef:
    """Which resource a Block is."""
    metadata = get_map(block, "metadata")
    return ResourceRef(
        name=get_str(metadata, "name"), uid=get_str(metadata, "uid"), generation=get_int(metadata, "generation") or 0
    )


def _identity(block: Raw) -> tuple[str, str, str]:
    metadata = get_map(block, "metadata")
    return get_str(metadata, "namespace"), get_str(metadata, "name"), get_str(metadata, "uid")


async def _may_delete(rights: Rights, namespace: str) -> bool:
    try:
        await rights.check_other("delete", SECRETS, namespace)
    except Forbidden:
        return False
    return True


async def _check_rights(rights: Rights, namespace: str, plan: SecretPlan, before: Sequence[SecretRef]) -> None:
    if plan.writes:
        await rights.check_other("create", SECRETS, namespace)
    if plan.dropped or any(ref.field in plan.writes and ref in before for ref in plan.refs):
        await rights.check_other("delete", SECRETS, namespace)


def _check_existing(existing: Raw, declaration: BlockPut, *, overwrite: bool) -> None:
    title = f"{declaration.spec.type}/{declaration.name}"
    if not overwrite:
        raise NameTaken(f"There is a block {title} already: choose another name, or replace it.")
    given = get_str(get_map(existing, "spec"), "name")
    if given and given != declaration.name:
        raise NameTaken(f"The block {declaration.spec.type}/{given} has the same resource name: choose another name.")
    _check_tracker(existing)


def _check_tracker(existing: Raw) -> None:
    tracker = find_tracker(existing)
    if tracker is not None:
        name = get_str(get_map(existing, "metadata"), "name")
        raise Conflict(f"{tracker} keeps Block {name!r} as its repository has it: change it there.")
