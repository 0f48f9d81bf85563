"""Saves and deletes blocks in local mode: documents in the database, secrets in files. Called by the routes of blocks."""

import asyncio

from towpath.contract.block_secrets import BlockSecrets, encode_secret
from towpath.contract.declared import BlockPut, BlockRead
from towpath.contract.names import block_resource_name
from towpath.contract.resources.block import SecretRef
from towpath_operator.domain.block_writing import name_file, plan_secrets
from towpath_operator.domain.refusals import Forbidden, InvalidRequest, NameTaken, StoreUnavailable
from towpath_operator.services.block_rights import Check, Rights
from towpath_operator.services.declared import Nouns
from towpath_operator.store.declared import BLOCKS
from towpath_operator.store.engine import Database
from towpath_operator.store.secret_files import SecretFiles
from towpath_operator.store.types import Row

_NO_SECRETS = "This server keeps no secrets: start it with `towpath server start`."


class LocalBlocks:
    """The blocks of a server in local mode.

    Args:
        blocks: the documents.
        check: checks a block against its type.
        files: the secrets; None for a server that keeps none.
        tells_secrets: whether secrets are told to callers, who then have sent the server's token.
    """

    def __init__(
        self,
        database: Database,
        blocks: Nouns[BlockPut, BlockRead],
        check: Check,
        files: SecretFiles | None,
        *,
        tells_secrets: bool = False,
    ) -> None:
        self._database = database
        self._blocks = blocks
        self._check = check
        self._files = files
        self._tells_secrets = tells_secrets
        self._saving = asyncio.Lock()

    async def put(self, declaration: BlockPut, rights: Rights, *, overwrite: bool) -> BlockRead:
        """Saves a block: its secrets first, so that what the document names is there.

        Raises:
            NameTaken: there is one of that name, or of one so alike that its resource name is the same.
            InvalidRequest: a secret's name cannot be kept.
        """
        async with self._saving:
            existing = await self._find(declaration, overwrite=overwrite)
            resource_name = block_resource_name(declaration.spec.type, declaration.name)
            refs = [SecretRef.model_validate(ref) for ref in existing["spec"].get("secretRefs", [])] if existing else []
            plan = plan_secrets(declaration, refs, resource_name, name_file)
            await self._check(declaration, [ref.field for ref in plan.refs])
            refs_after = list(plan.refs)
            for ref in refs_after:
                if ref.field in plan.writes:
                    await self._write(declaration.namespace, ref, plan.writes[ref.field])
            spec = declaration.spec.model_copy(update={"secret_refs": refs_after})
            saved = await self._blocks.put(declaration.model_copy(update={"spec": spec, "secrets": {}}))
            for ref in plan.dropped:
                self._require_files().remove(declaration.namespace, ref)
            return saved

    async def _find(self, declaration: BlockPut, *, overwrite: bool) -> Row | None:
        kind, wanted = declaration.spec.type, declaration.name
        async with self._database.read() as reader:
            rows = [row for row in await BLOCKS.list_all(reader, [declaration.namespace]) if row["type"] == kind]
        found = next((row for row in rows if row["name"] == wanted), None)
        if found is not None and not overwrite:
            raise NameTaken(f"There is a block {kind}/{wanted} already: choose another name, or replace it.")
        resource_name = block_resource_name(kind, wanted)
        for row in rows:
            if row["name"] != wanted and block_resource_name(kind, row["name"]) == resource_name:
                raise NameTaken(
                    f"The block {kind}/{row['name']} has the resource name {resource_name!r} already: choose another name."
                )
        return found

    async def _write(self, namespace: str, ref: SecretRef, value: bytes) -> None:
        files = self._require_files()
        try:
            await asyncio.to_thread(files.write, namespace, ref, value)
        except ValueError as error:
            raise InvalidRequest(f"The secret {ref.field!r} cannot be kept: {error}.") from error
        except OSError as error:
            raise StoreUnavailable(f"The secret {ref.field!r} cannot be kept: {error.strerror}.") from error

    def _require_files(self) -> SecretFiles:
        if self._files is None:
            raise InvalidRequest(_NO_SECRETS)
        return self._files

    async def delete(self, block: BlockRead, rights: Rights, *, with_resource: bool) -> None:
        """Takes a block away, then its secrets."""
        await self._blocks.delete(block.id)
        if self._files is not None:
            resource_name = block_resource_name(block.spec.type, block.name)
            await asyncio.to_thread(self._files.remove_all, block.namespace, resource_name)

    async def reveal(self, block: BlockRead) -> BlockSecrets:
        """A block's secrets.

        Raises:
            Forbidden: this server asks nobody for a token, so it does not know who asks.
        """
        if not self._tells_secrets or self._files is None:
            raise Forbidden("This server tells no secrets: processes of its machine read them in TOWPATH_HOME/secrets.")
        found: dict[str, bytes] = {}
        for ref in block.spec.secret_refs:
            value = self._files.read(block.namespace, ref)
            if value is not None:
                found[ref.field] = value
        return BlockSecrets(secrets={name: encode_secret(value) for name, value in found.items()})
