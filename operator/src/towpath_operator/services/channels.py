"""Finds a channel's block with its secrets, as it is now, and sends a message to it. Called by services.notifying."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from towpath.contract.resources.block import SecretRef
from towpath_operator.domain.refusals import NotFound, Refusal
from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.errors import SendFailed
from towpath_operator.notifications.messages import Message
from towpath_operator.notifications.sending import send
from towpath_operator.store.declared import BLOCKS
from towpath_operator.store.engine import Database
from towpath_operator.store.secret_files import SecretFiles

logger = logging.getLogger(__name__)


class SecretSource(Protocol):
    """Where secrets are read at the time of sending. The database never holds one."""

    async def read(self, namespace: str, ref: SecretRef) -> bytes:
        """The secret.

        Raises:
            Refusal: with why it cannot be had.
        """
        ...


class LocalSecrets:
    """The files of local mode."""

    def __init__(self, files: SecretFiles) -> None:
        self._files = files

    async def read(self, namespace: str, ref: SecretRef) -> bytes:
        """The file's content.

        Raises:
            NotFound: when there is none, or it cannot be read.
        """
        try:
            value = self._files.read(namespace, ref)  # a small file, once for each message
        except OSError as error:
            raise NotFound(f"The secret {ref.field!r} cannot be read: {error.strerror}.") from error
        if value is None:
            raise NotFound(f"The secret {ref.field!r} is not kept on this machine: save the block with it.")
        return value


class NoSecrets:
    """No secrets at all: channels that need one cannot be sent to."""

    async def read(self, namespace: str, ref: SecretRef) -> bytes:
        """Raises NotFound."""
        raise NotFound("This server reads no secrets.")


@dataclass(frozen=True)
class Outgoing:
    """How messages leave.

    Attributes:
        secrets: where secrets of channels are read.
        policy: which addresses messages may go to.
        public_url: where people reach the pages, for the links in messages; None for no links.
    """

    secrets: SecretSource
    policy: AddressPolicy
    public_url: str | None = None


class Channels:
    """The channels of one database."""

    def __init__(self, database: Database, outgoing: Outgoing) -> None:
        self._database = database
        self._secrets = outgoing.secrets
        self._policy = outgoing.policy

    async def send(self, namespace: str, channel: str, message: Message) -> None:
        """Sends a message to the block named `type/name`.

        Raises:
            SendFailed: with why, in one sentence without a secret.
        """
        block_type, _, name = channel.partition("/")
        async with self._database.read() as reader:
            row = await BLOCKS.find_named(reader, namespace, name, type=block_type)
        if row is None:
            raise SendFailed(
                f"There is no block {channel!r} in namespace {namespace!r}: declare it, or name another one."
            )
        spec: Mapping[str, Any] = row["spec"]
        fields: dict[str, Any] = dict(spec.get("config") or {})
        secrets: list[str] = []
        for raw in spec.get("secretRefs") or ():
            ref = SecretRef.model_validate(raw)
            value = await self._read(namespace, ref)
            secrets.append(value)
            _lay(fields, ref.field, value)
        try:
            await send(block_type, fields, secrets, message, self._policy)
        except SendFailed:
            raise
        except Exception as error:
            logger.exception("Sending to %s of namespace %s failed", channel, namespace)
            raise SendFailed(f"Sending failed ({type(error).__name__}); the server's log says why.") from error

    async def _read(self, namespace: str, ref: SecretRef) -> str:
        try:
            return (await self._secrets.read(namespace, ref)).decode().strip()
        except Refusal as refusal:
            raise SendFailed(refusal.detail) from refusal
        except UnicodeDecodeError as error:
            raise SendFailed(f"The key {ref.key!r} of Secret {ref.secret!r} is no text.") from error


def _lay(fields: dict[str, Any], path: str, value: str) -> None:
    """Puts a secret where its dotted path says."""
    *parents, last = path.split(".")
    at = fields
    for parent in parents:
        below = at.get(parent)
        at[parent] = dict(below) if isinstance(below, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType] JSON
        at = at[parent]
    at[last] = value
