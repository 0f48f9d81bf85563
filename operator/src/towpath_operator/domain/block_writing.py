"""What becomes of a block's secrets when it is saved, and the objects that keep it in a cluster. Pure.

Called by services.local_blocks and services.cluster_blocks. A secret that is saved through the API lies in a place of its own,
named by block and field; one that a Block refers to elsewhere, as `kubectl` wrote it, is left alone.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from towpath.contract import names
from towpath.contract.block_secrets import decode_secret, is_file_name
from towpath.contract.declared import BlockPut
from towpath.contract.problems import FieldError
from towpath.contract.resources.block import BLOCK, BlockSpec, SecretRef
from towpath_operator.domain.reading import Raw, get_map, get_str
from towpath_operator.domain.refusals import InvalidRequest

LABEL_BLOCK: Final = f"{names.GROUP}/block"
_REFERENCE: Final = "$ref"
_TRACKERS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
)

MAX_SECRETS: Final = 50
"""Secret fields of a Block, as its schema has it."""

NameSecret = Callable[[str, str], SecretRef]
"""Where the secret of a block (its resource name) and a field is kept."""


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """What is to be done with a block's secrets.

    Attributes:
        refs: its secret fields afterwards.
        writes: what is to be kept, by field.
        dropped: what was kept by us and is not needed any more.
    """

    refs: tuple[SecretRef, ...]
    writes: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)
    dropped: tuple[SecretRef, ...] = ()


def plan_secrets(
    declaration: BlockPut, existing: Sequence[SecretRef], resource_name: str, name_secret: NameSecret
) -> SecretPlan:
    """What saving `declaration` does to the secrets of a block that has those `existing`.

    Raises:
        InvalidRequest: a field's name makes no file name, or a value is not base64.
    """
    check_names([*declaration.secrets, *(ref.field for ref in declaration.spec.secret_refs)])
    refs = {ref.field: ref for ref in existing} if declaration.keep_secrets else {}
    refs |= {ref.field: ref for ref in declaration.spec.secret_refs}
    writes: dict[str, bytes] = {}
    for name, value in declaration.secrets.items():
        if value is None:
            refs.pop(name, None)
            continue
        try:
            writes[name] = decode_secret(value)
        except ValueError as error:
            raise InvalidRequest(
                f"The secret {name!r} is not base64.", [FieldError(field=f"secrets.{name}", message=str(error))]
            ) from None
        refs[name] = name_secret(resource_name, name)
    refs = {name: ref for name, ref in refs.items() if not is_below_reference(declaration.spec.config, name)}
    if len(refs) > MAX_SECRETS:
        raise InvalidRequest(
            f"The block has {len(refs)} secret fields and may have {MAX_SECRETS}.",
            [FieldError(field="secrets", message="keep several in one, as a SecretDict does")],
        )
    dropped = [
        ref
        for ref in existing
        if ref == name_secret(resource_name, ref.field) and refs.get(ref.field) != ref and ref.field not in writes
    ]
    kept = {name: value for name, value in writes.items() if name in refs}
    return SecretPlan(tuple(refs.values()), kept, tuple(dropped))


def check_names(fields: Sequence[str]) -> None:
    """Checks that secret fields make file names, as they must to reach a pod.

    Raises:
        InvalidRequest: naming the first that does not.
    """
    for name in fields:
        if not is_file_name(name):
            raise InvalidRequest(
                f"The secret field {name!r} makes no file name: use letters, digits, _ . and -.",
                [FieldError(field=f"secrets.{name}", message="use letters, digits, _ . and -")],
            )


def is_below_reference(config: Mapping[str, Any], name: str) -> bool:
    """Whether the field is of a block that the configuration names instead of holding it."""
    value: Any = config
    for part in name.split("."):
        if isinstance(value, dict):
            found = cast(dict[str, Any], value)
            if _REFERENCE in found:
                return True
            value = found.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(cast(list[Any], value)):
            value = cast(list[Any], value)[int(part)]
        else:
            return False
    return False


def name_file(resource_name: str, name: str) -> SecretRef:
    """Where local mode keeps a secret: a file in the block's folder."""
    return SecretRef(field=name, secret=resource_name, key=name)


def name_kube_secret(resource_name: str, name: str) -> SecretRef:
    """Which Secret keeps a field: one for each, since what the API cannot read it could not put together again."""
    part = names.slug(name)
    if part != name:  # `apiKey` and `apikey` stay apart
        part = f"{names.slug(name, 50)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return SecretRef(field=name, secret=f"towpath.{resource_name}.{part}", key="value")


def find_tracker(body: Raw) -> str | None:
    """What keeps a resource as a repository has it, so that nobody else should change it; None when nothing does."""
    metadata = get_map(body, "metadata")
    for place, key, tracker in _TRACKERS:
        if get_str(get_map(metadata, place), key):
            return tracker
    return None


def build_block(namespace: str, resource_name: str, spec: BlockSpec) -> dict[str, Any]:
    """The Block resource."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": BLOCK.kind,
        "metadata": {"namespace": namespace, "name": resource_name},
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }


def build_secret(namespace: str, block_name: str, block_uid: str, ref: SecretRef, value: bytes) -> dict[str, Any]:
    """The Secret of one field. It goes with its Block, which owns it."""
    owner = {"apiVersion": names.API_VERSION, "kind": BLOCK.kind, "name": block_name, "uid": block_uid}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "namespace": namespace,
            "name": ref.secret,
            "labels": {LABEL_BLOCK: names.label_value(block_name)},
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "data": {ref.key: base64.b64encode(value).decode()},
    }
