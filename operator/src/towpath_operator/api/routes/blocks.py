"""Routes of blocks and of block types. Secrets come in here and never go out, but in local mode to those who sent its token."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from towpath.contract.block_secrets import BlockSecrets
from towpath.contract.block_types import BlockTypePut, BlockTypeRead
from towpath.contract.declared import BlockPut, BlockRead
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.runs import Page
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, Namespaces, page_by
from towpath_operator.domain.access import needs

router = APIRouter(prefix="/blocks", tags=["blocks"], route_class=GuardedRoute)
types_router = APIRouter(prefix="/block-types", tags=["block-types"], route_class=GuardedRoute)

Name = Annotated[str | None, Query(max_length=500, description="The name, or type/name.")]
Slug = Annotated[str, Path(max_length=100, description="The type's name in type/name.")]
Namespace = Annotated[str, Query(min_length=1, max_length=63)]


@router.put("", operation_id="put_block")
@guarded(needs("update", "blocks"))
async def put(
    declaration: BlockPut,
    hub: TheHub,
    caller: TheCaller,
    overwrite: Annotated[bool, Query(description="Whether to replace one that is there.")] = True,
) -> BlockRead:
    """Saves a block and its secrets. In a cluster that writes its resource, unless the declaration comes from one."""
    await caller.check(declaration.namespace, status=declaration.resource is not None)
    if declaration.resource is not None:
        return await hub.blocks.put(declaration.model_copy(update={"secrets": {}}))
    return await hub.block_writer.put(declaration, caller, overwrite=overwrite)


@router.get("", operation_id="list_blocks")
@guarded(needs("list", "blocks"))
async def list_all(
    hub: TheHub,
    caller: TheCaller,
    namespace: Namespaces = None,
    name: Name = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BlockRead]:
    """Lists by namespace and name. `spec.secretRefs` names the secret fields that are set."""
    await caller.check_all(namespace)
    return await hub.blocks.list(namespace, name, page_by(limit, cursor, str, str, UUID))


@router.get("/{item_id}", operation_id="get_block")
@guarded(needs("get", "blocks"))
async def get(item_id: UUID, hub: TheHub, caller: TheCaller) -> BlockRead:
    """Shows one, without its secrets."""
    found = await hub.blocks.get(item_id)
    await caller.check(found.namespace)
    return found


@router.get("/{item_id}/secrets", operation_id="get_block_secrets")
@guarded(needs("get", "blocks"))
async def get_secrets(item_id: UUID, hub: TheHub, caller: TheCaller) -> BlockSecrets:
    """Tells a block's secrets: in local mode only, and only where callers must send a token. Pods have them as files."""
    found = await hub.blocks.get(item_id)
    await caller.check(found.namespace)
    return await hub.block_writer.reveal(found)


@router.delete("/{item_id}", status_code=204, operation_id="delete_block")
@guarded(needs("delete", "blocks"))
async def delete(
    item_id: UUID,
    hub: TheHub,
    caller: TheCaller,
    resource: Annotated[
        bool, Query(description="Whether the Block resource that declares it, and its Secrets, are deleted too.")
    ] = False,
) -> None:
    """Takes a block away. In a cluster the operator declares it again, unless its resource is deleted too."""
    found = await hub.blocks.get(item_id)
    await caller.check(found.namespace, status=found.resource is not None and not resource)
    await hub.block_writer.delete(found, caller, with_resource=resource)


@types_router.put("", operation_id="put_block_type")
@guarded(needs("update", "blocks"))
async def put_type(declaration: BlockTypePut, hub: TheHub, caller: TheCaller) -> BlockTypeRead:
    """Registers a type of block, as `Block.register_type_and_schema` does."""
    await caller.check(declaration.namespace)
    return await hub.block_types.put(declaration)


@types_router.get("", operation_id="list_block_types")
@guarded(needs("list", "blocks"))
async def list_types(
    hub: TheHub,
    caller: TheCaller,
    namespace: Namespaces = None,
    slug: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BlockTypeRead]:
    """Lists types by slug: those that come with Towpath on the first page, then registered ones."""
    await caller.check_all(namespace)
    return await hub.block_types.list(namespace, slug, page_by(limit, cursor, str, str))


@types_router.get("/{slug}", operation_id="get_block_type")
@guarded(needs("get", "blocks"))
async def get_type(slug: Slug, hub: TheHub, caller: TheCaller, namespace: Namespace = LOCAL_NAMESPACE) -> BlockTypeRead:
    """Shows a type as the namespace knows it."""
    await caller.check(namespace)
    return await hub.block_types.get(slug, namespace)


@types_router.delete("/{slug}", status_code=204, operation_id="delete_block_type")
@guarded(needs("delete", "blocks"))
async def delete_type(slug: Slug, hub: TheHub, caller: TheCaller, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Forgets a registered type. Its blocks stay."""
    await caller.check(namespace)
    await hub.block_types.delete(slug, namespace)
