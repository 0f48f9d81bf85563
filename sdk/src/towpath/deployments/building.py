"""`Deployment`: what a flow is deployed as. Called by users and by `towpath deployment build`.

Decides only, but for `apply`, which tells the API, and `to_yaml`, which writes a file.
"""

import inspect
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from towpath.contract.names import DEFAULT_WORK_QUEUE, LOCAL_NAMESPACE, deployment_resource_name, slug
from towpath.contract.resources.base import document
from towpath.contract.resources.deployment import DEPLOYMENT, DeploymentSpec
from towpath.contract.resources.flow import FLOW, FlowSpec, Storage
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.resources.schedule import Schedule
from towpath.contract.resources.work_queue import WORK_QUEUE, WorkQueueSpec
from towpath.deployments.documents import write_documents
from towpath.deployments.explaining import explain
from towpath.deployments.parameters import build_parameter_schema, refuse_secrets, say_readable_secrets
from towpath.deployments.storing import can_upload, list_code, load_storage, to_storage, upload_code
from towpath.engine.parameters import validate_parameters
from towpath.engine.signatures import Signature
from towpath.errors import DeploymentError, ParameterError
from towpath.flows import Flow
from towpath.schedules import AnySchedule, build_schedules

if TYPE_CHECKING:
    from towpath.blocks.core import Block
    from towpath.client.api import ApiClient
    from towpath.infrastructure import Infrastructure


logger = logging.getLogger("towpath.deployments")


@dataclass(kw_only=True)
class Deployment:
    """A flow made ready to run. Made by `build_from_flow`.

    Attributes:
        name: its name for people, beside the flow's.
        flow_name: the flow's name.
        entrypoint: `path.py:function`, from `path`.
        path: the folder that an agent runs the flow in; in a pod the image has the code. None where a storage has it.
        storage: the Block that runs fetch the code from, and the path within it.
        image: the image of the flow's pods; the operator's flow image if None.
        pod_template: what its pods, or an agent's processes, need besides.
        launcher: declares the work queue too, with this launcher.
        work_queue_limit: ... and with this limit of runs at once.
        parameter_schema: a JSON schema, enforced when a run is made.
        is_schedule_active: False pauses all schedules.
    """

    name: str
    flow_name: str
    entrypoint: str
    path: str | None = None
    storage: Storage | None = None
    image: str | None = None
    pod_template: PodTemplate | None = None
    launcher: Literal["Job", "Agent"] | None = None
    work_queue_limit: int | None = None
    version: str | None = None
    work_queue_name: str = DEFAULT_WORK_QUEUE
    schedules: list[Schedule] = field(default_factory=list[Schedule])
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    parameter_schema: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list[str])
    is_schedule_active: bool = True
    infra_retries: int = 0
    timeout_seconds: int | None = None

    @classmethod
    def build_from_flow(
        cls,
        flow: Flow[..., Any],
        name: str,
        *,
        work_queue_name: str = DEFAULT_WORK_QUEUE,
        schedule: AnySchedule | None = None,
        schedules: Iterable[AnySchedule] = (),
        parameters: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        version: str | None = None,
        path: str | Path | None = None,
        entrypoint: str | None = None,
        storage: "str | Block | None" = None,
        ignore_file: str | Path | None = None,
        skip_upload: bool = False,
        image: str | None = None,
        infrastructure: "Infrastructure | None" = None,
        infra_overrides: Mapping[str, Any] | None = None,
        work_queue_limit: int | None = None,
        is_schedule_active: bool = True,
        infra_retries: int = 0,
        timeout_seconds: int | None = None,
        apply: bool = False,
        output: str | Path | None = None,
    ) -> "Deployment":
        """A deployment of `flow`.

        Args:
            name: its name for people; `flow/name` names it everywhere.
            work_queue_name: the queue in which its runs wait for a launcher.
            schedule, schedules: when it starts runs by itself.
            parameters: for all its runs, unless a run has others. JSON values, or what pydantic turns into them.
            tags: for all its runs.
            version: of the flow's code, for people; default the flow's own, a hash of its file.
            path: the folder that an agent runs it in; default the current one, or the flow's if that lies outside. With `storage`
                it is a path within that, and the code is what lies below the current folder.
            entrypoint: `path.py:function` from that folder; default where the flow was defined.
            storage: where runs fetch the code from: a saved block, or its name, as `s3/dev` or `github/dev/flows`. The code is
                uploaded to it if it takes any.
            ignore_file: what is not uploaded, by rules of .gitignore; default the folder's `.towpathignore`.
            skip_upload: leaves the storage as it is.
            image: the image of its pods.
            infrastructure: declares the work queue's launcher and the runs' environment.
            infra_overrides: values over those of `infrastructure`, as {"env.REGION": "eu"}.
            work_queue_limit: declares how many runs of the work queue run at once; needs `infrastructure`.
            infra_retries: further attempts after its process or pod was lost.
            timeout_seconds: after which a run is Failed, even one that hangs.
            apply: whether to tell the API at once.
            output: a file to write the manifest to.

        Raises:
            DeploymentError: something cannot be deployed so; the message names the field.
            ParameterError: a parameter is not the flow's, or does not fit its type.
            BlockError: the storage is not there, or its secrets are not.
            StorageError: the code cannot be uploaded.
        """
        stored = to_storage(storage, None if path is None else str(path)) if storage is not None else None
        root = None if stored is not None else path
        template, launcher = _read_infrastructure(infrastructure, infra_overrides)
        chosen = [*([schedule] if schedule is not None else []), *schedules]
        source, folder = (entrypoint, _as_folder(root)) if entrypoint is not None else find_entrypoint(flow, root)
        signature = Signature(flow.fn)
        built = cls(
            name=name,
            flow_name=flow.name,
            entrypoint=source,
            path=str(folder) if stored is None else None,
            storage=stored,
            image=image,
            pod_template=template,
            launcher=launcher,
            work_queue_limit=work_queue_limit,
            version=version if version is not None else flow.version,
            work_queue_name=work_queue_name,
            schedules=build_schedules(chosen),
            parameters=check_parameters(flow, signature, dict(parameters or {})),
            parameter_schema=build_parameter_schema(flow.fn, signature),
            tags=list(dict.fromkeys(tags)),
            is_schedule_active=is_schedule_active,
            infra_retries=infra_retries,
            timeout_seconds=timeout_seconds,
        )
        built.to_specs()
        built.to_queue()
        if (warning := say_readable_secrets(built.parameter_schema, built.parameters)) is not None:
            logger.warning(warning)
        if storage is not None and not skip_upload:
            built.upload_to_storage(None if isinstance(storage, str) else storage, folder, ignore_file)
        if output is not None:
            built.to_yaml(output)
        if apply:
            built.apply()
        return built

    @property
    def full_name(self) -> str:
        """`flow/name`."""
        return f"{self.flow_name}/{self.name}"

    def to_specs(self) -> tuple[FlowSpec, DeploymentSpec]:
        """What the two resources declare.

        Raises:
            DeploymentError: a value that they do not take; the message names the field.
        """
        flow: dict[str, Any] = {
            "entrypoint": self.entrypoint,
            "path": self.path,
            "storage": self.storage,
            "image": self.image,
            "parameter_schema": self.parameter_schema,
        }
        if slug(self.flow_name) != self.flow_name:
            flow["name"] = self.flow_name
        deployment: dict[str, Any] = {
            "name": self.name,
            "flow": self.flow_name,
            "version": self.version,
            "work_queue": self.work_queue_name,
            "parameters": self.parameters,
            "tags": self.tags,
            "schedules": self.schedules,
            "paused": not self.is_schedule_active,
            "infra_retries": self.infra_retries,
            "timeout_seconds": self.timeout_seconds,
            "pod_template": self.pod_template,
        }
        return _build(FlowSpec, "flow", flow), _build(DeploymentSpec, "deployment", deployment)

    def to_queue(self) -> WorkQueueSpec | None:
        """What the work queue's resource declares; None when the deployment declares none.

        Raises:
            DeploymentError: a limit without a launcher, which a queue cannot do without.
        """
        if self.launcher is None:
            if self.work_queue_limit is None:
                return None
            raise DeploymentError(
                "work_queue_limit: a queue is declared with its launcher: give an infrastructure too, Process for agents or "
                "KubernetesJob for the cluster."
            )
        values = {"launcher": self.launcher, "concurrency_limit": self.work_queue_limit}
        if slug(self.work_queue_name) != self.work_queue_name:
            values["name"] = self.work_queue_name
        return _build(WorkQueueSpec, "work queue", values)

    def upload_to_storage(
        self, block: "Block | None" = None, folder: str | Path | None = None, ignore_file: str | Path | None = None
    ) -> int:
        """Uploads a folder's files (the current one's) to the storage, if that takes any. Returns how many.

        Args:
            block: the storage's block; loaded if None.

        Raises:
            DeploymentError: the deployment has no storage, or the flow's file would not go up.
            StorageError: one of them cannot be read or written.
        """
        if self.storage is None:
            raise DeploymentError("storage: this deployment has none: its code stays where it is.")
        found = block if block is not None else load_storage(self.storage, LOCAL_NAMESPACE)
        if not can_upload(found):
            return 0
        tree = list_code(_as_folder(folder), ignore_file)
        upload_code(found, self.storage, tree, self.entrypoint)
        return len(tree.files)

    def to_documents(self, namespace: str | None = None) -> list[Mapping[str, Any]]:
        """The resources as `kubectl apply -f` takes them."""
        flow, deployment = self.to_specs()
        queue = self.to_queue()
        resource_name = deployment_resource_name(self.flow_name, self.name)
        return [
            *([document(WORK_QUEUE, slug(self.work_queue_name), queue, namespace)] if queue is not None else []),
            document(FLOW, slug(self.flow_name), flow, namespace),
            document(DEPLOYMENT, resource_name, deployment, namespace),
        ]

    def to_yaml(self, file: str | Path) -> None:
        """Writes the manifest, whole or not at all.

        Raises:
            DeploymentError: the file cannot be written.
        """
        write_documents(Path(file), self.to_documents())

    def apply(self, client: "ApiClient | None" = None, namespace: str = LOCAL_NAMESPACE) -> UUID:
        """Tells the API. Applied again, it replaces. Returns the deployment's id.

        Args:
            client: the API; default the one that the settings name.

        Raises:
            ApiError: the API is away, or refuses.
            SettingsError: the settings name none.
        """
        from towpath.deployments.applying import apply_deployment  # noqa: PLC0415 - building needs no API's client

        return apply_deployment(self, client, namespace)


def _read_infrastructure(
    infrastructure: "Infrastructure | None", overrides: Mapping[str, Any] | None
) -> tuple[PodTemplate | None, Literal["Job", "Agent"] | None]:
    if infrastructure is None:
        if overrides:
            raise DeploymentError("infra_overrides: there is no infrastructure that they could be laid over.")
        return None, None
    from towpath.infrastructure import build_infrastructure  # noqa: PLC0415 - that module imports this package

    chosen = build_infrastructure(infrastructure, overrides) if overrides else infrastructure
    return chosen.to_pod_template(), chosen.launcher


def find_entrypoint(flow: Flow[..., Any], path: str | Path | None) -> tuple[str, Path]:
    """Where the flow was defined, as an entrypoint and the folder that it is relative to.

    Raises:
        DeploymentError: it was not defined at a file's top level.
    """
    fn = inspect.unwrap(flow.fn)
    name = getattr(fn, "__qualname__", "")
    try:
        source = inspect.getsourcefile(fn)
    except TypeError:
        source = None
    if source is None or not Path(source).is_file() or not name or "<" in name:
        raise DeploymentError(
            f"The flow {flow.name!r} is not at the top level of a file, so no process could load it: move it there, or "
            "give its `entrypoint`."
        )
    file = Path(source).resolve()
    folder = _as_folder(path)
    if not file.is_relative_to(folder):
        if path is not None:
            raise DeploymentError(f"path: {file} is not below {folder}: give a folder that the flow's file is in.")
        folder = file.parent
    return f"{file.relative_to(folder).as_posix()}:{name}", folder


def _as_folder(path: str | Path | None) -> Path:
    return Path(path).expanduser().resolve() if path is not None else Path.cwd()


def check_parameters(flow: Flow[..., Any], signature: Signature, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as JSON values.

    Raises:
        ParameterError: one is not the flow's, or does not fit its type.
        DeploymentError: one cannot be said in JSON, or is a secret.
    """
    refuse_secrets(parameters)
    unknown = [name for name in parameters if name not in signature.names]
    if unknown and signature.var_keyword is None:
        known = ", ".join(signature.names) or "none"
        raise ParameterError(f"The flow {flow.name!r} has no parameter {unknown[0]!r}: it takes {known}.")
    if flow.should_validate_parameters:
        validate_parameters(flow.fn, signature, parameters)
    checked: dict[str, Any] = {}
    for name, value in parameters.items():
        try:
            checked[name] = to_jsonable_python(value)
        except PydanticSerializationError as error:
            raise DeploymentError(f"parameters.{name}: {value!r} cannot be written as JSON ({error}).") from None
    return checked


def _build(model: type[Any], what: str, values: dict[str, Any]) -> Any:
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model(**given)
    except ValidationError as error:
        described: type[BaseModel] = model
        raise DeploymentError(f"The {what} cannot be made: {explain(error, described)[0]}.") from None
