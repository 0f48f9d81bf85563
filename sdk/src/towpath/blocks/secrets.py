"""Reads the secrets of a block: files that the pod has mounted, else files of this machine's TOWPATH_HOME. Called by `storing`.

On a machine that has neither, as an agent's far from its server, the API is asked; it answers in local mode alone, and only those
who sent its token. Never logs a secret, nor puts one into an error.
"""

from collections.abc import Callable
from pathlib import Path

from towpath.contract.block_secrets import BlockSecrets, decode_secret, is_file_name, local_secret_file
from towpath.contract.declared import BlockRead
from towpath.contract.names import BLOCKS_DIR, block_resource_name
from towpath.contract.resources.block import SecretRef
from towpath.errors import ApiRefused, SecretNotFound

MAX_SECRET = 2 * 1024 * 1024
"""Bytes. Kubernetes keeps at most one MiB in a Secret."""


def read_secrets(
    block: BlockRead, home: Path, ask: Callable[[], BlockSecrets], pod_folder: Path | None = None
) -> dict[str, bytes]:
    """The block's secrets, by field.

    Args:
        home: TOWPATH_HOME.
        ask: asks the API for them.
        pod_folder: where a pod has its blocks' secrets; None for `names.BLOCKS_DIR`.

    Raises:
        SecretNotFound: one of them is nowhere to be found; the message says what to do.
    """
    folder = (pod_folder or Path(BLOCKS_DIR)) / _resource_name(block)
    found: dict[str, bytes] = {}
    missing: list[SecretRef] = []
    for ref in block.spec.secret_refs:
        value = _read_mounted(folder, ref)
        if value is None:
            value = _read_kept(home, block, ref)
        if value is None:
            missing.append(ref)
        else:
            found[ref.field] = value
    if missing:
        found |= _ask(block, missing, ask, is_pod=(pod_folder or Path(BLOCKS_DIR)).is_dir())
    return found


def _resource_name(block: BlockRead) -> str:
    if block.resource is not None:
        return block.resource.name
    return block_resource_name(block.spec.type, block.name)


def _read_mounted(folder: Path, ref: SecretRef) -> bytes | None:
    return _read(folder / ref.field) if is_file_name(ref.field) else None


def _read_kept(home: Path, block: BlockRead, ref: SecretRef) -> bytes | None:
    file = local_secret_file(home, block.namespace, ref)
    return None if file is None else _read(file)


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_SECRET)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SecretNotFound(f"The secret in {file} cannot be read: {error.strerror}.") from error


def _ask(
    block: BlockRead, missing: list[SecretRef], ask: Callable[[], BlockSecrets], *, is_pod: bool
) -> dict[str, bytes]:
    title = f"{block.spec.type}/{block.name}"
    try:
        told = ask().secrets if not is_pod and block.resource is None else {}
    except ApiRefused:
        told = {}
    found = {ref.field: decode_secret(told[ref.field]) for ref in missing if ref.field in told}
    left = [ref for ref in missing if ref.field not in found]
    if left:
        raise SecretNotFound(_explain(title, left[0], in_cluster=block.resource is not None))
    return found


def _explain(title: str, ref: SecretRef, *, in_cluster: bool) -> str:
    if in_cluster:
        return (
            f"The secret {ref.field!r} of block {title!r} is not among this process' files: check that Secret "
            f"{ref.secret!r} has the key {ref.key!r}, and that the Flow's or Deployment's `blocks` name the block or are left "
            "out; runs that start afterwards have it."
        )
    return (
        f"The secret {ref.field!r} of block {title!r} is not on this machine: set it with "
        f"`towpath block create {title} --secret {ref.field}`, with the TOWPATH_HOME of the server."
    )
