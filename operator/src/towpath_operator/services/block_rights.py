"""What the writers of blocks share: whom they ask for the caller's rights, and what the routes call."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from towpath.contract.block_secrets import BlockSecrets
from towpath.contract.declared import BlockPut, BlockRead

Check = Callable[[BlockPut, Iterable[str]], Awaitable[None]]
"""Checks a block against its type, given which secret fields it will have."""


class Rights(Protocol):
    """The caller's rights."""

    async def check_other(self, verb: str, resource: str, namespace: str) -> None:
        """Checks that the caller may `verb` a resource that is not towpath.dev's, as `secrets.core`.

        Raises:
            Forbidden: when it may not.
        """
        ...


class BlockWriter(Protocol):
    """Saves and deletes blocks where they are kept: in local mode or in a cluster."""

    async def put(self, declaration: BlockPut, rights: Rights, *, overwrite: bool) -> BlockRead:
        """Saves a block that no resource has declared yet."""
        ...

    async def delete(self, block: BlockRead, rights: Rights, *, with_resource: bool) -> None:
        """Takes a block away, and with it the resource that declares it if `with_resource`."""
        ...

    async def reveal(self, block: BlockRead) -> BlockSecrets:
        """The secrets of a block, where they are told at all."""
        ...
