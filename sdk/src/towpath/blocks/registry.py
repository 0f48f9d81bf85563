"""Finds the class of a block type: those imported so far, those that come with Towpath, those of other distributions.

Called by `storing`. A distribution offers its block types by entry points of the group `towpath.blocks`; each names a module that
defines them:

    [project.entry-points."towpath.blocks"]
    my-company = "my_company.blocks"
"""

import importlib
import warnings
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from towpath.contract.names import slug as make_slug
from towpath.errors import BlockNotFound

if TYPE_CHECKING:
    from towpath.blocks.core import Block

GROUP: Final = "towpath.blocks"

BUILTIN_MODULES: Final = (
    "towpath.blocks.notifications",
    "towpath.blocks.system",
    "towpath.contrib.aws",
    "towpath.contrib.gcp",
    "towpath.contrib.sqlalchemy",
    "towpath.filesystems.git",
    "towpath.filesystems.local",
    "towpath.filesystems.remote",
    "towpath.infrastructure",
)
"""The modules whose block types come with Towpath. A new one is a line here; `make generate` writes their schemas."""

_classes: dict[str, type["Block"]] = {}


def register(slug: str, block_class: type["Block"]) -> None:
    """Notes a class. One that is defined again, as in a notebook, replaces the earlier one."""
    _classes[slug] = block_class


def get_class(slug: str) -> type["Block"]:
    """The class of a type; imports what may define it.

    Raises:
        BlockNotFound: nothing that is installed defines it.
    """
    for load in (lambda: None, import_builtins, _import_foreign):
        load()
        found = _classes.get(slug)
        if found is not None:
            return found
    known = ", ".join(sorted(_classes))
    raise BlockNotFound(
        f"Nothing here defines the block type {slug!r}: import the module with its class first, or install the package that "
        f"has it. Known are {known}."
    )


def import_builtins() -> list[type["Block"]]:
    """The classes that come with Towpath, in the order of their slugs."""
    for module in BUILTIN_MODULES:
        importlib.import_module(module)
    return [found for _, found in sorted(_classes.items()) if is_builtin(found)]


def is_builtin(block_class: type["Block"]) -> bool:
    """Whether the class comes with Towpath, so that every server knows its type."""
    return block_class.__module__ in BUILTIN_MODULES


def _import_foreign() -> None:
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:  # noqa: BLE001 - one broken distribution must not hide the blocks of the others
            distribution = entry.dist.name if entry.dist is not None else "another distribution"
            warnings.warn(f"The blocks {entry.name!r} of {distribution} cannot be loaded: {error!r}", stacklevel=2)


def make_type_slug(name: str) -> str:
    """The slug of a type that has this name for people."""
    return make_slug(name)
