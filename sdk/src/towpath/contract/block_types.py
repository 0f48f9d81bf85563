"""Block types on the wire: what a kind of block is called, and which fields it has.

Built-in ones come with the server; others are registered by clients that hold their class.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from towpath.contract.names import LOCAL_NAMESPACE

TypeSlug = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", examples=["slack-webhook"])
]
"""A block type's name in `type/name`."""

_Address = Annotated[str, Field(max_length=2_000, pattern=r"^https?://\S+$")]


class BlockTypeFacts(BaseModel):
    """What is known of a block type.

    Attributes:
        slug: its name in `type/name`.
        name: its name for people.
        fields: the JSON schema of its fields. Secret ones have the format `password`. The schema of a field that is another
            block names that one's type by `x-towpath-block-type`, which is empty for a block of any type.
        secret_fields: the secret ones, dotted where they are nested.
        capabilities: what its blocks can do, as `read-path` or `notify`.
        code_example: Python that uses such a block.
    """

    model_config = ConfigDict(extra="forbid")

    slug: TypeSlug
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=10_000)] | None = None
    logo_url: _Address | None = None
    documentation_url: _Address | None = None
    code_example: Annotated[str, Field(max_length=20_000)] | None = None
    fields: dict[str, Any]
    secret_fields: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)] = []
    capabilities: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)] = []


class BlockTypePut(BlockTypeFacts):
    """What `PUT /api/block-types` takes. Put again for the same (namespace, slug), it replaces."""

    namespace: Annotated[str, Field(min_length=1, max_length=63)] = LOCAL_NAMESPACE


class BlockTypeRead(BlockTypeFacts):
    """A block type. `namespace` is None for a built-in one, which every namespace has."""

    namespace: str | None = None
    updated: AwareDatetime | None = None

    @property
    def is_builtin(self) -> bool:
        """Whether it comes with the server."""
        return self.namespace is None
