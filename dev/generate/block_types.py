"""Builds the file of the block types that come with Towpath, from the SDK's classes. Pure: returns its text, writes nothing.

The API has no class of a block: it learns of the built-in types from this file, of all others when clients register them.
"""

import json

from towpath.blocks.registry import import_builtins
from towpath.blocks.schemas import describe


def build_block_type_files() -> dict[str, str]:
    """The file's text by path. Fields keep their order, which forms follow."""
    types = [describe(block_class).model_dump(mode="json", exclude={"namespace"}) for block_class in import_builtins()]
    text = json.dumps(types, indent=1, ensure_ascii=False) + "\n"
    return {"operator/src/towpath_operator/services/builtin_block_types.json": text}
