"""Block types: those that come with the server, and those that clients register in a namespace. Called by routes and block writers.

The built-in ones are generated from the SDK's classes (`make generate`), and every namespace has them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from towpath.contract.block_types import BlockTypeFacts, BlockTypePut, BlockTypeRead
from towpath.contract.declared import BlockPut
from towpath.contract.ids import now_us
from towpath.contract.problems import FieldError
from towpath.contract.runs import Page
from towpath_operator.domain.block_config import check_config
from towpath_operator.domain.pages import PageRequest, encode_cursor
from towpath_operator.domain.parameters import check_schema
from towpath_operator.domain.refusals import InvalidRequest, InvalidSchema, NameTaken, NotFound
from towpath_operator.domain.times import from_micros
from towpath_operator.services.declaring import prepare_block
from towpath_operator.services.pages import paged
from towpath_operator.store import block_types as rows
from towpath_operator.store.engine import Database, Reader, Transaction
from towpath_operator.store.types import Row

MAX_FACTS = 256 * 1024
"""Bytes of a type as JSON."""
_BUILTIN_FILE = "builtin_block_types.json"


def read_builtins() -> dict[str, BlockTypeFacts]:
    """The types that come with the server, by slug."""
    text = (resources.files("towpath_operator.services") / _BUILTIN_FILE).read_text(encoding="utf-8")
    found = TypeAdapter(list[BlockTypeFacts]).validate_json(text)
    return {facts.slug: facts for facts in found}


class BlockTypes:
    """The block types."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._builtins = read_builtins()

    async def put(self, declaration: BlockTypePut) -> BlockTypeRead:
        """Registers a type, or replaces it.

        Raises:
            NameTaken: a built-in type has the slug.
            InvalidSchema, InvalidRequest: its fields are no JSON schema, or it is too large.
        """
        if declaration.slug in self._builtins:
            raise NameTaken(
                f"{declaration.slug!r} is a block type that comes with Towpath: give yours another `_block_type_slug`."
            )
        text = declaration.model_dump_json(exclude={"namespace"})
        if len(text) > MAX_FACTS:
            raise InvalidRequest(
                f"The block type has {len(text)} bytes as JSON and may have {MAX_FACTS}.",
                [FieldError(field="fields", message="make it shorter")],
            )
        try:
            check_schema(declaration.fields)
        except InvalidSchema as error:
            raise InvalidSchema(
                f"`fields` is not a JSON schema: {error.detail.partition(': ')[2] or error.detail}",
                [FieldError(field="fields", message=entry.message) for entry in error.errors],
            ) from error
        async with self._database.write() as transaction:
            await rows.save_block_type(transaction, declaration.namespace, declaration.slug, text, now_us())
        return await self.get(declaration.slug, declaration.namespace)

    async def get(self, slug: str, namespace: str) -> BlockTypeRead:
        """The type that a namespace knows by this slug.

        Raises:
            NotFound: it knows none.
        """
        async with self._database.read() as reader:
            row = await rows.find_block_type(reader, namespace, slug)
        if row is not None:
            return _view(row)
        if slug in self._builtins:
            return _view_builtin(self._builtins[slug])
        raise NotFound(f"There is no block type {slug!r} in namespace {namespace!r}: register its class first.")

    async def check(self, declaration: BlockPut, secret_fields: Iterable[str]) -> None:
        """Checks a block against its type, if that is known.

        Args:
            secret_fields: those that have a secret.

        Raises:
            InvalidRequest: naming the fields that are wrong.
        """
        async with self._database.read() as reader:
            await self._check(reader, declaration, secret_fields)

    async def prepare(self, transaction: Transaction, declaration: BlockPut) -> Mapping[str, Any]:
        """Checks a block that is declared, and gives the columns that blocks add."""
        extra = await prepare_block(transaction, declaration)
        await self._check(transaction.connection, declaration, [ref.field for ref in declaration.spec.secret_refs])
        return extra

    async def _check(self, reader: Reader, declaration: BlockPut, secret_fields: Iterable[str]) -> None:
        facts = await self._find_facts(reader, declaration.spec.type, declaration.namespace)
        if facts is not None:
            check_config(facts, declaration.spec.config, secret_fields)

    async def _find_facts(self, reader: Reader, slug: str, namespace: str) -> BlockTypeFacts | None:
        if slug in self._builtins:
            return self._builtins[slug]
        row = await rows.find_block_type(reader, namespace, slug)
        return None if row is None else BlockTypeFacts.model_validate_json(row["facts"])

    async def list(self, namespaces: Sequence[str] | None, slug: str | None, page: PageRequest) -> Page[BlockTypeRead]:
        """One page by slug; the built-in types are on the first, before all others."""
        async with self._database.read() as reader:
            found, total = await rows.list_block_types(reader, namespaces, slug, page)
        shown = found[: page.limit]
        builtins = [facts for facts in self._builtins.values() if slug in (None, facts.slug)]
        views = [_view(row) for row in shown]
        if not page.after:
            views = [*(_view_builtin(facts) for facts in builtins), *views]
        last = shown[-1] if len(found) > page.limit else None
        cursor = None if last is None else encode_cursor((last["slug"], last["namespace"]))
        return paged(views, total + len(builtins), cursor)

    async def delete(self, slug: str, namespace: str) -> None:
        """Forgets a registered type. Its blocks stay.

        Raises:
            NotFound: there is none that was registered.
        """
        async with self._database.write() as transaction:
            if not await rows.delete_block_type(transaction, namespace, slug):
                raise NotFound(f"No block type {slug!r} was registered in namespace {namespace!r}.")


def _view(row: Row) -> BlockTypeRead:
    facts = json.loads(row["facts"])
    return BlockTypeRead(**facts, namespace=row["namespace"], updated=from_micros(row["updated"]))


def _view_builtin(facts: BlockTypeFacts) -> BlockTypeRead:
    return BlockTypeRead(**facts.model_dump())
