"""Creates, replaces, lists and deletes what is declared. One Nouns object for each kind; called by its routes.

What only one kind needs (a deployment's flow and queue, a flow's schema) comes in as a `prepare` function from
services.declaring.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar
from uuid import UUID

from towpath.contract.declared import Declaration, DeclaredRead, ResourceRef
from towpath.contract.ids import now_us, uuid7
from towpath.contract.runs import Page
from towpath_operator.domain.pages import PageRequest, encode_cursor
from towpath_operator.domain.refusals import NameTaken, NotFound
from towpath_operator.services.pages import paged
from towpath_operator.store.declared import Declared
from towpath_operator.store.engine import ALL_TOPICS, Database, Reader, Transaction
from towpath_operator.store.types import Row

PutT = TypeVar("PutT", bound=Declaration)
ReadT = TypeVar("ReadT", bound=DeclaredRead)
Prepare = Callable[[Transaction, PutT], Awaitable[Mapping[str, Any]]]
"""Checks a declaration and returns the columns that its kind adds; those named in `same` also tell equal names apart."""
Settle = Callable[[Transaction, UUID, PutT], Awaitable[None]]
"""After a declaration was saved under its id."""
Forget = Callable[[Transaction, Row], Awaitable[bool]]
"""Before a row is deleted. Returns whether it may go; it has been dealt with when not."""
View = Callable[[Reader, Sequence[Row]], Awaitable[list[ReadT]]]


async def _prepare_nothing(_: Transaction, __: Declaration) -> Mapping[str, Any]:
    return {}


async def _settle_nothing(_: Transaction, __: UUID, ___: Declaration) -> None:
    return


async def _forget_all(_: Transaction, __: Row) -> bool:
    return True


class _CheckedError(Exception):
    """Undoes a transaction that was there to check."""


class Nouns(Generic[PutT, ReadT]):
    """The declared things of one kind.

    Args:
        kind: its name in messages.
        rows: its rows.
        view: makes its models.
        prepare: checks and completes a declaration.
        settle: does what follows from it.
        forget: decides whether a row may go.
        same: columns that, besides namespace and name, make a name unique.
    """

    def __init__(
        self,
        database: Database,
        kind: str,
        rows: Declared,
        view: View[ReadT],
        *,
        prepare: Prepare[PutT] = _prepare_nothing,
        settle: Settle[PutT] = _settle_nothing,
        forget: Forget = _forget_all,
        same: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._kind = kind
        self._hints = f"{kind.replace(' ', '-')}s"
        self._rows = rows
        self._view = view
        self._prepare = prepare
        self._settle = settle
        self._forget = forget
        self._same = same

    async def put(self, declaration: PutT) -> ReadT:
        """Creates the thing, or replaces what is declared under its name.

        Raises:
            NameTaken: when another resource declares the name.
            Refusal: what `prepare` raises.
        """
        async with self._database.write() as transaction:
            extra = await self._prepare(transaction, declaration)
            row_id = await self._save(transaction, declaration, extra)
            await self._settle(transaction, row_id, declaration)
            for topic in ALL_TOPICS:
                transaction.wake(topic)  # a declaration may open what others wait for
            transaction.hint_of_kind(self._hints, declaration.namespace)
        return await self.get(row_id)

    async def check(self, declaration: PutT, resource_name: str) -> None:
        """Checks whether `put` would take what a resource of that name declares; keeps nothing.

        Raises:
            NameTaken, Refusal: as `put` does.
        """
        resource = ResourceRef(name=resource_name, uid="unknown")
        with suppress(_CheckedError):
            async with self._database.write() as transaction:
                extra = await self._prepare(transaction, declaration)
                await self._save(transaction, declaration.model_copy(update={"resource": resource}), extra)
                raise _CheckedError

    async def get(self, row_id: UUID) -> ReadT:
        """The thing with this id.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.read() as reader:
            return (await self._view(reader, [await self._get_row(reader, row_id)]))[0]

    async def list(self, namespaces: Sequence[str] | None, name: str | None, page: PageRequest) -> Page[ReadT]:
        """One page, by namespace and name."""
        async with self._database.read() as reader:
            found, total = await self._rows.list(reader, namespaces, name, page)
            shown = found[: page.limit]
            views = await self._view(reader, shown)
        last = shown[-1] if len(found) > page.limit else None
        cursor = None if last is None else encode_cursor((last["namespace"], last["name"], last["id"].hex))
        return paged(views, total, cursor)

    async def delete(self, row_id: UUID) -> None:
        """Takes the declaration away; runs and their history stay.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.write() as transaction:
            row = await self._get_row(transaction.connection, row_id)
            if await self._forget(transaction, row):
                await self._rows.delete(transaction, row_id)
            for topic in ALL_TOPICS:
                transaction.wake(topic)
            transaction.hint_of_kind(self._hints, row["namespace"])

    async def _get_row(self, reader: Reader, row_id: UUID) -> Row:
        row = await self._rows.find(reader, row_id)
        if row is None or row.get("deleted") is not None:
            raise NotFound(f"There is no {self._kind} {row_id}.")
        return row

    async def _save(self, transaction: Transaction, declaration: PutT, extra: Mapping[str, Any]) -> UUID:
        same = {name: extra[name] for name in self._same}
        found = await self._rows.find_named(transaction.connection, declaration.namespace, declaration.name, **same)
        if found is not None:
            self._refuse_other(found, declaration)
        if "slug" in extra:
            holder = await self._rows.find_slug(transaction.connection, declaration.namespace, extra["slug"])
            if holder is not None and (found is None or holder["id"] != found["id"]):
                raise NameTaken(
                    f"The {self._kind} {holder['name']!r} has the resource name {extra['slug']!r} already: choose another name."
                )
        resource, now = declaration.resource, now_us()
        spec = getattr(declaration, "spec").model_dump(mode="json", by_alias=True, exclude_defaults=True)  # noqa: B009
        values = dict(extra) | {
            "spec": spec,
            "resource_name": resource.name if resource else None,
            "resource_uid": resource.uid if resource else None,
            "resource_generation": resource.generation if resource else None,
            "updated": now,
        }
        if found is None:
            row_id = uuid7()
            identity = {"id": row_id, "namespace": declaration.namespace, "name": declaration.name, "created": now}
            await self._rows.insert(transaction, identity | values)
            return row_id
        if resource is None or not _is_older(found, resource.uid, resource.generation):
            await self._rows.update(transaction, found["id"], values)
        return found["id"]

    def _refuse_other(self, found: Row, declaration: PutT) -> None:
        """Refuses a declaration of a name that another living resource declares."""
        if found["resource_uid"] is None or found.get("deleted") is not None:
            return
        resource = declaration.resource
        if resource is None or (resource.uid != found["resource_uid"] and resource.name != found["resource_name"]):
            raise NameTaken(
                f"The resource {found['resource_name']!r} declares the {self._kind} {declaration.name!r} already: "
                "change or delete that one, or choose another name."
            )


def _is_older(found: Row, uid: str, generation: int) -> bool:
    """Whether the row holds a newer generation of the same resource: reports may overtake one another."""
    return found["resource_uid"] == uid and (found["resource_generation"] or 0) > generation
