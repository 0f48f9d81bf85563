"""Brings a flow's code to where it can be imported. Called by `attempts`.

Code is baked into the image, or mounted, at the folder of entrypoints. Code in a storage Block is for a fetcher of that
Block's type; `find_fetcher` is where they are found.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from towpath.contract.resources.flow import FlowSpec, Storage
from towpath.errors import ScriptError

Fetch = Callable[[Storage, Path], Path]
"""Brings what `storage` holds below the folder given, and answers the folder that entrypoints are relative to."""

FETCHERS: Mapping[str, Fetch] = {}
"""By Block type."""


def fetch_code(spec: FlowSpec, code_dir: Path) -> Path:
    """The folder that the flow's entrypoint is relative to.

    Raises:
        ScriptError: the code cannot be fetched.
    """
    if spec.storage is None:
        return code_dir
    return find_fetcher(spec.storage.block)(spec.storage, code_dir)


def find_fetcher(block: str) -> Fetch:
    """What fetches from a Block, given as `type/name`.

    Raises:
        ScriptError: nothing does.
    """
    block_type = block.partition("/")[0]
    fetch = FETCHERS.get(block_type)
    if fetch is None:
        known = ", ".join(sorted(FETCHERS)) or "none"
        raise ScriptError(
            f"Code cannot be fetched from the storage Block {block!r}: Blocks that can be fetched from here are {known}. "
            "Bake the code into the flow's image and leave `storage` out."
        )
    return fetch
