"""Saves, loads and deletes blocks through the API. Called by `core`; thin, what it sends is decided in `documents`.

Without an API in the settings, the home's local server is asked, and started if none runs (see `client.asking`).
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic import ValidationError

from towpath.blocks import documents, registry
from towpath.blocks.secrets import read_secrets
from towpath.client.api import ApiClient
from towpath.client.asking import client_for_asking
from towpath.contract.block_secrets import encode_secret
from towpath.contract.block_types import BlockTypePut
from towpath.contract.declared import BlockPut, BlockRead, EncodedSecret
from towpath.contract.problems import Code
from towpath.contract.resources.block import BlockSpec
from towpath.errors import ApiRefused, BlockError, BlockNotFound
from towpath.settings import get_settings

if TYPE_CHECKING:
    from towpath.blocks.core import Block

B = TypeVar("B", bound="Block")

Secrets = dict[str, str | EncodedSecret | None]
"""Secrets as they travel, by field; None takes one away."""

_NAME: Final = re.compile(r"[^/\x00-\x1f\x7f]{1,200}")


class Kept(NamedTuple):
    """Where a block is kept."""

    id: UUID
    namespace: str
    type: str
    name: str


def check_name(name: str) -> str:
    """A block's name, if it can be one.

    Raises:
        BlockError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise BlockError(
            f"{name[:200]!r} cannot be a block's name: use 1 to 200 characters without `/` and control characters."
        )
    return name


def split_name(name: str, slug: str | None) -> tuple[str, str]:
    """The type and the name that `type/name`, or a name of a known type, means.

    Args:
        slug: the type, where the class says it.

    Raises:
        BlockError: it names no block.
    """
    block_type, separator, rest = name.partition("/")
    if separator:
        return block_type, check_name(rest)
    if slug is None:
        raise BlockError(f"{name!r} does not say which type of block it is: write it as type/name.")
    return slug, check_name(name)


def save(
    slug: str,
    name: str,
    document: documents.Document,
    block_type: BlockTypePut | None,
    *,
    overwrite: bool,
    namespace: str,
) -> Kept:
    """Keeps a block under a name.

    Args:
        block_type: registered before, unless it is None.

    Raises:
        BlockError: there is one of that name, and `overwrite` is False.
        ApiError: the API is away, or refuses.
    """
    secrets: Secrets = {field: encode_secret(value) for field, value in document.secrets.items()}
    declaration = build_declaration(slug, name, namespace, document.config, secrets, keep=False)
    with client_for_asking() as client:
        if block_type is not None:
            client.put_block_type(block_type.model_copy(update={"namespace": namespace}))
        try:
            read = client.put_block(declaration, overwrite=overwrite)
        except ApiRefused as error:
            if error.code == Code.NAME_TAKEN and not overwrite:
                raise BlockError(
                    f"There is a block {slug}/{name} already: save with overwrite=True to replace it."
                ) from error
            raise
    return Kept(read.id, read.namespace, slug, read.name)


def build_declaration(
    slug: str, name: str, namespace: str, config: dict[str, Any], secrets: Secrets, *, keep: bool
) -> BlockPut:
    """What the API is told of a block.

    Args:
        keep: whether secrets that are kept and not given here stay.

    Raises:
        BlockError: something of it is too long or too many; the message shows no secret.
    """
    try:
        spec = BlockSpec(type=slug, name=check_name(name), config=config)
        return BlockPut(namespace=namespace, name=name, spec=spec, secrets=secrets, keep_secrets=keep)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"][:2])
        raise BlockError(f"Block {slug}/{name} cannot be saved: {field}: {first['msg']}.") from None


def register_type(block_type: BlockTypePut) -> None:
    """Makes a type known to the API.

    Raises:
        ApiError: the API is away, or refuses.
    """
    with client_for_asking() as client:
        client.put_block_type(block_type)


def delete(slug: str, name: str, namespace: str) -> None:
    """Takes a block away, and its secrets.

    Raises:
        BlockNotFound: there is none.
    """
    with client_for_asking() as client:
        client.delete_block(_find(client, slug, name, namespace).id)


def _find(client: ApiClient, slug: str, name: str, namespace: str) -> BlockRead:
    for found in client.list_blocks(namespace=namespace, name=f"{slug}/{name}").items:
        if found.spec.type == slug and found.name == name:
            return found
    raise BlockNotFound(
        f"There is no block {slug}/{name} in namespace {namespace!r}: `towpath block ls` shows those there are, and "
        f"`towpath block create {slug}/{name}` makes one."
    )


class Loading:
    """Loads blocks, with those that they refer to, over one connection."""

    def __init__(self, client: ApiClient, namespace: str, *, validate: bool) -> None:
        self._client = client
        self._namespace = namespace
        self._validate = validate
        self._under_way: list[str] = []

    def load(self, slug: str, name: str, expected: type[B]) -> B:
        """The block, as an instance of its type's class.

        Args:
            expected: the class that it must be, or descend from.

        Raises:
            BlockNotFound: there is no such block, or nothing here defines its type.
            BlockError: it is of another type, or does not fit its class.
        """
        title = f"{slug}/{name}"
        if title in self._under_way:
            raise BlockError(
                f"Block {self._under_way[0]!r} refers to itself, by {' → '.join([*self._under_way, title])}."
            )
        read = _find(self._client, slug, name, self._namespace)
        block_class = _choose_class(slug, title, expected)
        secrets = read_secrets(read, get_settings().home, lambda: self._client.get_block_secrets(read.id))
        self._under_way.append(title)
        try:
            config = documents.resolve(
                documents.merge_secrets(read.spec.config, secrets), self._load_other, self._build_inline
            )
        finally:
            self._under_way.pop()
        block = self._build(block_class, config, title)
        block.note_kept(Kept(read.id, read.namespace, slug, read.name))
        return block

    def _load_other(self, name: str) -> Any:
        from towpath.blocks.core import Block  # noqa: PLC0415 - core imports this module

        return self.load(*split_name(name, None), Block)

    def _build_inline(self, slug: str, config: dict[str, Any]) -> Any:
        return self._build(registry.get_class(slug), config, slug)

    def _build(self, block_class: type[B], config: dict[str, Any], title: str) -> B:
        if not self._validate:
            return block_class.model_construct(**config)
        try:
            return block_class.model_validate(config, by_alias=True, by_name=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "its fields"
            raise BlockError(
                f"Block {title!r} does not fit {block_class.__name__}: {field}: {first['msg']}. Save it again, or load it "
                "with validate=False."
            ) from None


def _choose_class(slug: str, title: str, expected: type[B]) -> type[B]:
    if slug == expected.get_block_type_slug() and not expected.is_abstract_block():
        return expected
    found = registry.get_class(slug)
    if not issubclass(found, expected):
        raise BlockError(f"Block {title!r} is a {found.__name__}, not a {expected.__name__}.")
    return found


@contextmanager
def loading(namespace: str, *, validate: bool) -> Generator[Loading]:
    """What loads blocks of a namespace."""
    with client_for_asking() as client:
        yield Loading(client, namespace, validate=validate)
