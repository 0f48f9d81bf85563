"""Which Secret keys a run's pod gets as files: those of its Blocks. Pure; called by pod_manifests and the reconcilers.

A pod finds each at `<BLOCKS_DIR>/<block resource name>/<field>`. Secrets are never read here, only named.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from towpath.contract.block_secrets import is_file_name
from towpath.contract.names import block_resource_name
from towpath.contract.resources.block import SecretRef
from towpath.contract.runs import ClaimedRun
from towpath_operator.domain.reading import get_str


@dataclass(frozen=True, slots=True)
class BlockSecrets:
    """A Block's Secret keys.

    Attributes:
        resource_name: the Block's metadata.name.
        refs: its secret fields.
        required: whether the run asked for it by name: then its pod waits until the Secret exists. One that a run merely
            gets along with all others must not keep it from starting.
        references: the resource names of the Blocks that its fields hold: who loads it loads them.
    """

    resource_name: str
    refs: tuple[SecretRef, ...]
    required: bool = False
    references: tuple[str, ...] = ()


def select_blocks(claimed: ClaimedRun, existing: Iterable[BlockSecrets]) -> list[BlockSecrets]:
    """The Blocks whose secrets the run's pod gets: those it names and those that they hold, or all that exist in the namespace.

    Blocks that are named as storage are among them. Named ones that do not exist are left out: loading them says so.
    """
    known = {block.resource_name: block for block in existing}
    flow, deployment = claimed.flow.spec, claimed.deployment.spec
    named = deployment.blocks if deployment.blocks is not None else (flow.blocks if flow is not None else None)
    storages = [deployment.result_storage]
    if flow is not None:
        storages += [flow.result_storage, flow.storage.block if flow.storage is not None else None]
    asked = [name for name in (*(named or ()), *storages) if name is not None]
    wanted = _with_held({block_resource_name(*name.split("/", 1)) for name in asked}, known)
    return [replace(block, required=name in wanted) for name, block in known.items() if named is None or name in wanted]


def _with_held(names: set[str], known: Mapping[str, BlockSecrets]) -> set[str]:
    """These Blocks, and those that they hold, and so on."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += known[name].references if name in known else ()
    return reached


def find_references(config: Any) -> Iterator[str]:
    """The resource names of the Blocks that a Block's configuration refers to, by `{"$ref": {"block": "type/name"}}`."""
    if isinstance(config, Mapping):
        found = cast(Mapping[str, Any], config)
        name = get_str(found, "$ref", "block")
        if "/" in name:
            yield block_resource_name(*name.split("/", 1))
        else:
            for child in found.values():
                yield from find_references(child)
    elif isinstance(config, list):
        for child in cast(list[Any], config):
            yield from find_references(child)


def build_secret_sources(blocks: Sequence[BlockSecrets]) -> list[dict[str, Any]]:
    """The sources of the projected volume that holds the Blocks' secrets. Fields that make no file name are left out."""
    sources: list[dict[str, Any]] = []
    for block in blocks:
        for ref in block.refs:
            if is_file_name(ref.field):
                item = {"key": ref.key, "path": f"{block.resource_name}/{ref.field}"}
                sources.append({"secret": {"name": ref.secret, "items": [item], "optional": not block.required}})
    return sources


def check_fields(refs: Iterable[SecretRef]) -> list[str]:
    """The secret fields that make no file name, and so would not reach a pod."""
    return [ref.field for ref in refs if not is_file_name(ref.field)]
