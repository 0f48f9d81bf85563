"""Reads manifests: documents of `towpath.dev/v1alpha1`, checked as a cluster's API server and the operator check them.

Called by `towpath deployment apply`. Its kinds are those of a line in KINDS. Tells the API nothing: `applying` does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from towpath.contract import declared, names
from towpath.contract.declared_names import NameMismatchError, get_declared_name
from towpath.contract.resources.base import Kind
from towpath.contract.resources.block import BLOCK, BlockSpec
from towpath.contract.resources.concurrency_limit import CONCURRENCY_LIMIT
from towpath.contract.resources.deployment import DEPLOYMENT, DeploymentSpec
from towpath.contract.resources.flow import FLOW
from towpath.contract.resources.notification import NOTIFICATION
from towpath.contract.resources.work_queue import WORK_QUEUE
from towpath.deployments.documents import read_documents
from towpath.deployments.explaining import explain
from towpath.errors import ManifestError, ScheduleError
from towpath.schedules import check_schedule

_METADATA_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_FIELDS_OF_METADATA: Final = ("name", "namespace")


@dataclass(frozen=True)
class ManifestKind:
    """A kind that manifests may hold.

    Attributes:
        path: its path in the API.
        put, read: what the API takes and answers.
    """

    kind: Kind
    path: str
    put: type[declared.Declaration]
    read: type[declared.DeclaredRead]


@dataclass(frozen=True)
class Manifest:
    """One document.

    Attributes:
        name: the name for people.
        namespace: the one that it names; None when it names none.
        where: the file and the document's number, for messages.
    """

    kind: ManifestKind
    name: str
    namespace: str | None
    spec: Any
    where: str

    @property
    def title(self) -> str:
        """The kind and the name for people, as `Deployment 'etl/daily'`."""
        shown = self.name
        if isinstance(self.spec, DeploymentSpec):
            shown = f"{self.spec.flow}/{self.name}"
        elif isinstance(self.spec, BlockSpec):
            shown = f"{self.spec.type}/{self.name}"
        return f"{self.kind.kind.kind} {shown!r}"


def read_manifests(files: Sequence[Path]) -> list[Manifest]:
    """The documents of all files, checked, in an order in which those come first that others refer to.

    Raises:
        ManifestError: one of them cannot be applied; the message names file, document, field and what would be right.
    """
    found: list[Manifest] = []
    for file in files:
        documents = read_documents(file)
        if not documents:
            raise ManifestError(f"{file} holds no document.")
        found += [read_document(document, f"{file}, document {number}") for number, document in enumerate(documents, 1)]
    _refuse_repeated(found)
    order = {entry.kind.kind: index for index, entry in enumerate(KINDS)}
    return sorted(found, key=lambda manifest: order[manifest.kind.kind.kind])


def read_document(document: Any, where: str) -> Manifest:
    """One document, checked.

    Raises:
        ManifestError: see read_manifests.
    """
    if not isinstance(document, dict):
        raise ManifestError(f"{where}: a document must be a mapping with apiVersion, kind, metadata and spec.")
    given = cast("dict[Any, Any]", document)
    if given.get("apiVersion") != names.API_VERSION:
        raise ManifestError(f"{where}: apiVersion is {given.get('apiVersion')!r}: write {names.API_VERSION}.")
    entry = _find_kind(given.get("kind"), where)
    unknown = next((field for field in given if field not in _FIELDS), None)
    if unknown is not None:
        raise ManifestError(f"{where}: {unknown} is no field of a document: there are {', '.join(_FIELDS[:-1])}.")
    metadata_name, namespace = _read_metadata(given.get("metadata"), where)
    where = f"{where} ({entry.kind.kind} {metadata_name!r})"
    spec = _read_spec(entry, given.get("spec"), where)
    try:
        name = get_declared_name(metadata_name, spec)
    except NameMismatchError as error:
        raise ManifestError(f"{where}: {error}") from None
    return Manifest(entry, name, namespace, spec, where)


def _find_kind(kind: object, where: str) -> ManifestKind:
    entry = next((entry for entry in KINDS if entry.kind.kind == kind), None)
    if entry is not None:
        return entry
    known = ", ".join(entry.kind.kind for entry in KINDS)
    if kind == "FlowRun":
        raise ManifestError(f"{where}: a FlowRun is made with `towpath deployment run`, or with kubectl.")
    raise ManifestError(f"{where}: kind is {kind!r}: there are {known}.")


def _read_metadata(metadata: object, where: str) -> tuple[str, str | None]:
    given = cast("Mapping[str, Any]", metadata) if isinstance(metadata, dict) else {}
    for field in _FIELDS_OF_METADATA:
        value = given.get(field)
        if value is not None and not isinstance(value, str):
            raise ManifestError(f"{where}: metadata.{field} is {value!r}, which is not text: put it in quotes.")
    name = given.get("name")
    if not name:
        raise ManifestError(f"{where}: metadata.name is missing.")
    if len(name) > names.MAX_RESOURCE_NAME or not _METADATA_NAME.fullmatch(name):
        raise ManifestError(
            f"{where}: metadata.name is {name!r}: use lower-case letters, digits, `-` and `.`, as 'my-flow.daily'; "
            "the name for people goes into spec.name."
        )
    return name, given.get("namespace")


def _read_spec(entry: ManifestKind, spec: object, where: str) -> Any:
    if not isinstance(spec, dict):
        raise ManifestError(f"{where}: spec is missing.")
    try:
        read = entry.kind.spec.model_validate(spec)
    except ValidationError as error:
        told = explain(error, entry.kind.spec, ["spec"])
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise ManifestError(f"{where}: {told[0].rstrip('.')}{more}.") from None
    if isinstance(read, DeploymentSpec):
        for index, schedule in enumerate(read.schedules):
            try:
                check_schedule(schedule)
            except ScheduleError as error:
                raise ManifestError(f"{where}: spec.schedules.{index}.{error}") from None
    return read


def _refuse_repeated(found: Sequence[Manifest]) -> None:
    seen: dict[tuple[str, str | None, str], Manifest] = {}
    for manifest in found:
        key = (manifest.title, manifest.namespace, manifest.kind.path)
        other = seen.setdefault(key, manifest)
        if other is not manifest:
            raise ManifestError(f"{manifest.where}: {other.where} declares the same: leave one of them out.")


KINDS: Final = (
    ManifestKind(WORK_QUEUE, "/work-queues", declared.WorkQueuePut, declared.WorkQueueRead),
    ManifestKind(CONCURRENCY_LIMIT, "/concurrency-limits", declared.ConcurrencyLimitPut, declared.ConcurrencyLimitRead),
    ManifestKind(BLOCK, "/blocks", declared.BlockPut, declared.BlockRead),
    ManifestKind(NOTIFICATION, "/notifications", declared.NotificationPut, declared.NotificationRead),
    ManifestKind(FLOW, "/flows", declared.FlowPut, declared.FlowRead),
    ManifestKind(DEPLOYMENT, "/deployments", declared.DeploymentPut, declared.DeploymentRead),
)
"""The kinds that manifests may hold, in an order in which those come first that others refer to."""
