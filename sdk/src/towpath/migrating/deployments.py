"""Turns Prefect 2's deployment files into manifests: what `prefect deployment build` wrote, and prefect.yaml.

Called by `files`. Pure. What a deployment says that has no place here is named, never dropped in silence.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from towpath.contract.resources.flow import Storage
from towpath.deployments.building import Deployment
from towpath.deployments.documents import format_documents
from towpath.errors import TowpathError
from towpath.infrastructure import Infrastructure, KubernetesJob, Process, build_infrastructure
from towpath.migrating.notes import Migrated, Note
from towpath.schedules import AnySchedule, CronSchedule, IntervalSchedule, RRuleSchedule, build_schedules

_DEPLOYMENT_FIELDS: Final = frozenset(
    {
        "name",
        "description",
        "version",
        "tags",
        "parameters",
        "schedule",
        "schedules",
        "is_schedule_active",
        "paused",
        "infra_overrides",
        "infrastructure",
        "work_queue_name",
        "flow_name",
        "storage",
        "path",
        "entrypoint",
        "parameter_openapi_schema",
    }
)
_SILENT: Final = frozenset({"manifest_path", "timestamp", "enforce_parameter_schema", "work_pool_name"})
"""Fields that say nothing which is not so here anyway."""
_JOB_FIELDS: Final = ("image", "image_pull_policy", "service_account_name", "labels", "env")
_PROJECT_FIELDS: Final = frozenset({"name", "prefect-version", "build", "push", "pull", "deployments", "definitions"})


class _Notes:
    """Collects what is left to people."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.kept: list[Note] = []

    def add(self, text: str) -> None:
        self.kept.append(Note(0, f"{self._where}{text}"))


def is_deployment(document: object) -> bool:
    """Whether a YAML document is what `prefect deployment build` wrote."""
    return isinstance(document, dict) and {"flow_name", "entrypoint", "name"} <= set(cast("dict[str, Any]", document))


def is_project(document: object) -> bool:
    """Whether a YAML document is a prefect.yaml."""
    if not isinstance(document, dict):
        return False
    given = cast("dict[str, Any]", document)
    return isinstance(given.get("deployments"), list) and bool({"prefect-version", "pull", "build"} & set(given))


def migrate_deployment(given: Mapping[str, Any]) -> Migrated:
    """The manifest of one deployment file.

    Raises:
        DeploymentError: its values are not right; the message names the field.
    """
    notes = _Notes("")
    flow_name = str(given["flow_name"])
    documents = _build(given, flow_name, notes).to_documents()
    return Migrated(format_documents(documents), tuple(notes.kept))


def migrate_project(given: Mapping[str, Any]) -> Migrated:
    """The manifest of all deployments of a prefect.yaml.

    Raises:
        DeploymentError: its values are not right; the message names the field.
    """
    notes = _Notes("")
    for step in ("build", "push"):
        if given.get(step):
            notes.add(
                f"`{step}` steps are left to you: build and push the flow's image, and name it in the Flow's spec.image."
            )
    if given.get("pull"):
        notes.add(
            "`pull` steps are left to you: save a Git or GitHub block, and name it in the Flow's spec.storage.block."
        )
    documents: list[Mapping[str, Any]] = []
    kept = list(notes.kept)
    for deployment in cast("Sequence[Mapping[str, Any]]", given["deployments"]):
        own = _Notes(f"deployment {deployment.get('name')!r}: ")
        entrypoint = deployment.get("entrypoint")
        if not deployment.get("name") or not entrypoint:
            own.add("it has no name or no entrypoint, and is left out.")
        else:
            flow_name = str(deployment.get("flow_name") or str(entrypoint).rpartition(":")[2].replace("_", "-"))
            built = _build(_from_project(deployment, own), flow_name, own)
            _merge(documents, built.to_documents(), own)
        kept += own.kept
    return Migrated(format_documents(documents), tuple(kept))


def _merge(documents: list[Mapping[str, Any]], further: Sequence[Mapping[str, Any]], notes: _Notes) -> None:
    """Adds documents; a Flow or WorkQueue that is there already is completed, and where it differs that is named."""
    known = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    for document in further:
        before = known.get((document["kind"], document["metadata"]["name"]))
        if before is None:
            documents.append(document)
            continue
        spec = cast("dict[str, Any]", before["spec"])
        for name, value in document["spec"].items():
            if spec.setdefault(name, value) != value:
                notes.add(
                    f"its {document['kind']}'s spec.{name} differs from that of a deployment before: the first stays."
                )


def _from_project(given: Mapping[str, Any], notes: _Notes) -> dict[str, Any]:
    """A deployment of prefect.yaml with the fields of a deployment file."""
    fields = dict(given)
    pool = fields.pop("work_pool", None) or {}
    fields["work_pool_name"] = pool.get("name")
    fields["work_queue_name"] = pool.get("work_queue_name") or fields.get("work_queue_name")
    variables = pool.get("job_variables") or {}
    if variables:
        fields["infrastructure"] = {"type": "kubernetes-job", **variables}
    for step in ("build", "push", "pull", "triggers", "concurrency_limit"):
        if fields.pop(step, None):
            notes.add(f"`{step}` is left to you.")
    return fields


def _build(given: Mapping[str, Any], flow_name: str, notes: _Notes) -> Deployment:
    if given.get("work_pool_name") not in (None, "default-agent-pool"):
        notes.add(f"the work pool {given['work_pool_name']!r} is gone: queues have launchers, see the WorkQueue kind.")
    for name, value in given.items():
        if name not in _DEPLOYMENT_FIELDS and name not in _SILENT and not name.startswith("_") and value:
            notes.add(f"`{name}` is not in Towpath: left out.")
    if given.get("description"):
        notes.add("`description` is left out: a deployment's is its flow's docstring.")
    infrastructure = _infrastructure(given, notes)
    schema = given.get("parameter_openapi_schema") or None
    storage, path = _storage(given, notes)
    return Deployment(
        name=str(given["name"]),
        flow_name=flow_name,
        entrypoint=str(given["entrypoint"]).removeprefix("./"),
        path=path,
        storage=storage,
        image=infrastructure.image if isinstance(infrastructure, KubernetesJob) else None,
        pod_template=infrastructure.to_pod_template() if infrastructure is not None else None,
        version=str(given["version"]) if given.get("version") else None,
        work_queue_name=given.get("work_queue_name") or "default",
        schedules=build_schedules(_schedules(given, notes)),
        parameters=dict(given.get("parameters") or {}),
        parameter_schema=_schema(schema) if schema is not None else None,
        tags=[str(tag) for tag in given.get("tags") or []],
        is_schedule_active=given.get("is_schedule_active") is not False and given.get("paused") is not True,
    )


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter schema, with pydantic 1's `definitions` where ours has them."""

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            pairs = cast("dict[str, Any]", value)
            return {name: moved(item) for name, item in pairs.items() if item is not None}
        if isinstance(value, list):
            return [moved(item) for item in cast("list[Any]", value)]
        return value.replace("#/definitions/", "#/$defs/") if isinstance(value, str) else value

    fields = moved(dict(schema))
    definitions = fields.pop("definitions", None)
    return fields | ({"$defs": definitions} if definitions else {})


def _schedules(given: Mapping[str, Any], notes: _Notes) -> list[AnySchedule]:
    entries: list[Mapping[str, Any]] = []
    if given.get("schedule"):
        entries.append(given["schedule"])
    for entry in given.get("schedules") or []:
        entries.append({**(entry.get("schedule") or entry), "active": entry.get("active", True)})
    built: list[AnySchedule] = []
    for number, entry in enumerate(entries, 1):
        schedule = _schedule(entry, "default" if len(entries) == 1 else f"schedule-{number}")
        if schedule is None:
            notes.add(f"the schedule {dict(entry)!r} is left to you: it is neither cron, interval nor rrule.")
        else:
            built.append(schedule)
    return built


def _schedule(entry: Mapping[str, Any], name: str) -> AnySchedule | None:
    common: dict[str, Any] = {
        "name": name,
        "timezone": entry.get("timezone") or "UTC",
        "active": entry.get("active") is not False,
    }
    if entry.get("cron"):
        return CronSchedule(cron=entry["cron"], day_or=entry.get("day_or") is not False, **common)
    if entry.get("interval"):
        given = entry.get("anchor_date")
        anchor = {"anchor_date": datetime.fromisoformat(given) if isinstance(given, str) else given} if given else {}
        return IntervalSchedule(interval=entry["interval"], **anchor, **common)
    if entry.get("rrule"):
        return RRuleSchedule(rrule=entry["rrule"], **common)
    return None


def _storage(given: Mapping[str, Any], notes: _Notes) -> tuple[Storage | None, str | None]:
    """Where the code is: a block and the path in it, or a folder of this machine."""
    block = given.get("storage")
    path = given.get("path") or None
    if not block:
        return None, path
    kind, name = block.get("_block_type_slug"), block.get("_block_document_name")
    if not kind or not name or str(name).startswith("anonymous-"):
        notes.add("`storage` is not a block with a name: save one here, and name it in the Flow's spec.storage.block.")
        return None, path
    notes.add(f"the storage block {kind}/{name} must be saved here too: its settings and secrets are not in this file.")
    inner = re.sub(r"^[./]+", "", str(path or ""))
    return Storage(block=f"{kind}/{name}", **({"path": inner} if inner else {})), None


def _infrastructure(given: Mapping[str, Any], notes: _Notes) -> Infrastructure | None:
    """What the runs' environment is, as far as it has a place here."""
    infra: dict[str, Any] = dict(given.get("infrastructure") or {})
    kind = infra.pop("type", None) or infra.get("block_type_slug") or infra.get("_block_type_slug")
    overrides: dict[str, Any] = dict(given.get("infra_overrides") or {})
    if kind is None and not overrides:
        return None
    is_process = kind in (None, "process")
    kept = {name: infra[name] for name in (("env",) if is_process else _JOB_FIELDS) if infra.get(name)}
    ignored = {"block_type_slug", "name", "stream_output", "command", "working_dir", "namespace", *_JOB_FIELDS}
    for name, value in infra.items():
        if value and name not in ignored and not name.startswith("_"):
            notes.add(f"infrastructure.{name} is left to you: see the Deployment's spec.podTemplate.")
    for name in ("command", "working_dir", "namespace"):
        if infra.get(name):
            notes.add(f"infrastructure.{name} is left out: Towpath sets it itself.")
    if is_process and infra.get("image"):
        notes.add("infrastructure.image is left out: a process has none.")
    base = (Process if is_process else KubernetesJob)(**kept)
    for name, value in overrides.items():
        try:
            base = build_infrastructure(base, {name: value})
        except TowpathError:
            notes.add(f"infra_overrides.{name} is left to you: see the Deployment's spec.podTemplate.")
    return base
