"""The class that every block derives from. Imported by users, and by every module of block types.

    class Warehouse(Block):
        host: str
        password: SecretStr

    Warehouse(host="db", password="...").save("prod")
    warehouse = Warehouse.load("prod")        # or Block.load("warehouse/prod")

Its fields are pydantic's. Secret ones (`SecretStr`, `SecretBytes`, `SecretDict`) never reach the database. What is done with them
is in `documents`, `storing` and `schemas`.
"""

import inspect
from typing import Any, ClassVar, Self
from uuid import UUID

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, HttpUrl, PrivateAttr
from pydantic.fields import ModelPrivateAttr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from towpath.blocks import documents, registry, schemas, storing
from towpath.blocks.calling import async_compatible
from towpath.blocks.fields import SecretDict
from towpath.blocks.storing import Kept
from towpath.errors import BlockError
from towpath.settings import get_settings

__all__ = ["Block", "SecretDict"]


class Block(BaseModel):
    """Configuration that is kept under a name and loaded by it.

    Class attributes that a subclass may set: `_block_type_name` (for people; the class' name if left out), `_block_type_slug`
    (in `type/name`; made from the name), `_description` and `_code_example` (from the docstring), `_logo_url`,
    `_documentation_url`, `_block_schema_capabilities`.

    In a coroutine the methods that ask the API are awaited, elsewhere they are called. They raise ApiError when the API is away
    or refuses, and BlockError (a ValueError) for what is wrong with a block.
    """

    # Errors must not show inputs, which may be secrets.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None
    _logo_url: ClassVar[HttpUrl | str | None] = None
    _documentation_url: ClassVar[HttpUrl | str | None] = None
    _block_schema_capabilities: ClassVar[list[str]] = []

    _kept: Kept | None = PrivateAttr(default=None)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.is_abstract_block():
            registry.register(cls.get_block_type_slug(), cls)

    def model_post_init(self, context: Any, /) -> None:
        """Calls `block_initialization`."""
        super().model_post_init(context)
        self.block_initialization()

    def block_initialization(self) -> None:
        """Called when an instance has its fields. For subclasses that prepare something then."""

    # What the class says of itself

    @classmethod
    def is_abstract_block(cls) -> bool:
        """Whether this class is only there to be derived from: such as Block itself, and those with abstract methods."""
        return cls is Block or inspect.isabstract(cls) or bool(_own_attribute(cls, "_is_abstract_block"))

    @classmethod
    def get_block_type_name(cls) -> str:
        """The type's name for people. A subclass is a type of its own, whatever its base is called."""
        return str(_own_attribute(cls, "_block_type_name") or cls.__name__)

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The type's name in `type/name`."""
        return registry.make_type_slug(str(_own_attribute(cls, "_block_type_slug") or cls.get_block_type_name()))

    @classmethod
    def get_description(cls) -> str | None:
        """What the type is for."""
        given = _own_attribute(cls, "_description")
        return inspect.cleandoc(str(given)) if given else schemas.read_description(cls.__dict__.get("__doc__"))

    @classmethod
    def get_code_example(cls) -> str | None:
        """Python that uses such a block."""
        given = _own_attribute(cls, "_code_example")
        return inspect.cleandoc(str(given)) if given else schemas.read_example(cls.__dict__.get("__doc__"))

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """What such blocks can do, its bases' capabilities among them."""
        found: set[str] = set()
        for base in cls.__mro__:
            found.update(_own_attribute(base, "_block_schema_capabilities") or ())
        return frozenset(found)

    @classmethod
    def get_logo_url(cls) -> str | None:
        """The address of a picture."""
        return _text(_attribute(cls, "_logo_url"))

    @classmethod
    def get_documentation_url(cls) -> str | None:
        """The address of a page about the type."""
        return _text(_attribute(cls, "_documentation_url"))

    @classmethod
    def get_block_placeholder(cls) -> str:
        """What stands for such a block in a template."""
        return f"{{{{ towpath.blocks.{cls.get_block_type_slug()} }}}}"

    @classmethod
    def is_block_class(cls, block: Any) -> bool:
        """Whether `block` is a class that derives from Block."""
        return inspect.isclass(block) and issubclass(block, Block)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler.resolve_ref_schema(handler(core_schema))
        found[schemas.TYPE_KEYWORD] = "" if cls.is_abstract_block() else cls.get_block_type_slug()
        return found

    # Keeping and loading

    @async_compatible
    def save(self, name: str | None = None, overwrite: bool = False, *, namespace: str | None = None) -> UUID:
        """Keeps the block under a name; its type is registered with it.

        Args:
            name: without its type; None for the name that it was loaded or saved under.
            overwrite: whether to replace a block of that name.
            namespace: None for TOWPATH_NAMESPACE.

        Returns:
            The id of what is kept.
        """
        return self._save(name, overwrite, namespace)

    async def asave(self, name: str | None = None, overwrite: bool = False, *, namespace: str | None = None) -> UUID:
        """See `save`."""
        return await anyio.to_thread.run_sync(self._save, name, overwrite, namespace)

    def _save(self, name: str | None, overwrite: bool, namespace: str | None) -> UUID:
        if name is None:
            if self._kept is None:
                raise BlockError(f"This {type(self).__name__} has no name yet: give one, as in block.save('dev').")
            name = self._kept.name
        if self.is_abstract_block():
            raise BlockError(f"{type(self).__name__} is only there to be derived from: save an instance of a subclass.")
        document = documents.build_document(self, Block, Block._find_full_name)
        block_type = None if registry.is_builtin(type(self)) else schemas.describe(type(self))
        self._kept = storing.save(
            self.get_block_type_slug(), name, document, block_type, overwrite=overwrite, namespace=_choose(namespace)
        )
        return self._kept.id

    @classmethod
    @async_compatible
    def load(cls, name: str, validate: bool = True, *, namespace: str | None = None) -> Self:
        """The block of that name, secrets and all; blocks that its fields refer to are loaded too.

        Args:
            name: the name, or `type/name`; the latter finds its class among what is imported or installed.
            validate: False to take its fields as they are kept, though they may not fit the class.
            namespace: None for TOWPATH_NAMESPACE.

        Raises:
            BlockNotFound: there is none, or nothing here defines its type.
            SecretNotFound: a secret of it is not here.
            BlockError: it does not fit the class.
        """
        return cls._load(name, validate, namespace)

    @classmethod
    async def aload(cls, name: str, validate: bool = True, *, namespace: str | None = None) -> Self:
        """See `load`."""
        return await anyio.to_thread.run_sync(cls._load, name, validate, namespace)

    @classmethod
    def _load(cls, name: str, validate: bool, namespace: str | None) -> Self:
        slug = None if cls.is_abstract_block() else cls.get_block_type_slug()
        wanted = storing.split_name(name, slug)
        with storing.loading(_choose(namespace), validate=validate) as loader:
            return loader.load(*wanted, cls)

    @classmethod
    @async_compatible
    def delete(cls, name: str, *, namespace: str | None = None) -> None:
        """Takes the block of that name away, and its secrets.

        Raises:
            BlockNotFound: there is none.
        """
        slug = None if cls.is_abstract_block() else cls.get_block_type_slug()
        storing.delete(*storing.split_name(name, slug), _choose(namespace))

    @classmethod
    @async_compatible
    def register_type_and_schema(cls, *, namespace: str | None = None) -> None:
        """Makes the type known to the API, so that such blocks can be made in the UI. `save` does it by itself."""
        if cls.is_abstract_block():
            raise BlockError(f"{cls.__name__} is only there to be derived from: register a subclass.")
        if not registry.is_builtin(cls):
            storing.register_type(schemas.describe(cls).model_copy(update={"namespace": _choose(namespace)}))

    def note_kept(self, kept: Kept) -> None:
        """Remembers where the block is kept. Called by `storing`."""
        self._kept = kept

    def _find_full_name(self) -> str | None:
        return None if self._kept is None else f"{self._kept.type}/{self._kept.name}"


def _choose(namespace: str | None) -> str:
    return namespace or get_settings().namespace


def _own_attribute(cls: type[Any], name: str) -> Any:
    """What the class itself sets. Pydantic keeps what has a leading underscore and no annotation as a private attribute."""
    if name in vars(cls):
        return vars(cls)[name]
    found = _private(cls).get(name)
    if found is None or any(_private(base).get(name) is found for base in cls.__mro__[1:]):
        return None
    return found.get_default()


def _private(cls: type[Any]) -> dict[str, ModelPrivateAttr]:
    return vars(cls).get("__private_attributes__") or {}


def _attribute(cls: type[Any], name: str) -> Any:
    found = (_own_attribute(base, name) for base in cls.__mro__)
    return next((value for value in found if value is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
