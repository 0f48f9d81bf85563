"""The part of a pod that people may shape: an allow-list of PodTemplateSpec's fields, spelled as Kubernetes spells them.

Whatever could reach the host or another identity (hostNetwork, hostPath, privileged containers) is not in it. The API
server still checks what is passed through as free-form objects, and the operator checks the final pod.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from towpath.contract.names import FLOW_CONTAINER
from towpath.contract.resources.base import Json, Model, cel

LabelMap = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=64)]
Quantity = Annotated[
    int | Annotated[str, Field(pattern=r"^[0-9.]+([eE][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")],
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
VOLUME_SOURCES = ("emptyDir", "configMap", "secret", "persistentVolumeClaim", "ephemeral", "projected", "csi")


class Resources(Model):
    """CPU, memory and what else a container asks for."""

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] = {}
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] = {}


class EnvVar(Model):
    """An environment variable with a value, or with a source (`secretKeyRef`, `configMapKeyRef`, `fieldRef`)."""

    model_config = Model.model_config | {
        "json_schema_extra": cel(("!(has(self.value) && has(self.valueFrom))", "give either value or valueFrom"))
    }

    name: Annotated[str, Field(min_length=1, max_length=253)]
    value: Annotated[str, Field(max_length=32768)] | None = None
    value_from: Json | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "EnvVar":
        if self.value is not None and self.value_from is not None:
            raise ValueError("give either value or valueFrom")
        return self


class VolumeMount(Model):
    """Where a volume appears in the flow's container."""

    name: Annotated[str, Field(max_length=63)]
    mount_path: Annotated[str, Field(min_length=1, max_length=1024)]
    sub_path: Annotated[str, Field(max_length=1024)] | None = None
    read_only: bool = False


class Volume(Model):
    """A volume of one of the kinds that stay inside the namespace."""

    model_config = Model.model_config | {
        "json_schema_extra": cel(
            (
                f"[{', '.join(f'has(self.{source})' for source in VOLUME_SOURCES)}].filter(x, x).size() == 1",
                f"give exactly one of {', '.join(VOLUME_SOURCES)}",
            )
        )
    }

    name: Annotated[str, Field(min_length=1, max_length=63)]
    empty_dir: Json | None = None
    config_map: Json | None = None
    secret: Json | None = None
    persistent_volume_claim: Json | None = None
    ephemeral: Json | None = None
    projected: Json | None = None
    csi: Json | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Volume":
        given = self.model_dump(exclude={"name"}, exclude_none=True)
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(VOLUME_SOURCES)}")
        return self


class Container(Model):
    """What may be set on the container that runs the flow."""

    name: Literal["flow"] = FLOW_CONTAINER
    image: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    working_dir: Annotated[str, Field(max_length=1024)] | None = None
    env: Annotated[list[EnvVar], Field(max_length=256)] = []
    env_from: Annotated[list[Json], Field(max_length=64)] = []
    resources: Resources | None = None
    volume_mounts: Annotated[list[VolumeMount], Field(max_length=64)] = []


class PodSecurityContext(Model):
    """Ids that the flow's process runs under. Pods are non-root and unprivileged whatever is set here."""

    run_as_user: Annotated[int, Field(ge=1)] | None = None
    run_as_group: Annotated[int, Field(ge=1)] | None = None
    fs_group: Annotated[int, Field(ge=1)] | None = None


class LocalReference(Model):
    """A name in the same namespace."""

    name: Annotated[str, Field(min_length=1, max_length=253)]


class PodSpec(Model):
    """What may be set on the pod."""

    containers: Annotated[
        list[Container],
        Field(
            max_length=1, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = []
    volumes: Annotated[list[Volume], Field(max_length=64)] = []
    node_selector: LabelMap = {}
    tolerations: Annotated[list[Json], Field(max_length=64)] = []
    affinity: Json | None = None
    topology_spread_constraints: Annotated[list[Json], Field(max_length=16)] = []
    priority_class_name: Annotated[str, Field(max_length=253)] | None = None
    runtime_class_name: Annotated[str, Field(max_length=253)] | None = None
    scheduler_name: Annotated[str, Field(max_length=253)] | None = None
    service_account_name: (
        Annotated[
            str, Field(max_length=253, description="One of the ServiceAccounts that the operator was told to allow.")
        ]
        | None
    ) = None
    image_pull_secrets: Annotated[list[LocalReference], Field(max_length=16)] = []
    security_context: PodSecurityContext | None = None
    termination_grace_period_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None


class PodMetadata(Model):
    """Labels and annotations for the pod. Those of towpath.dev are Towpath's own."""

    labels: LabelMap = {}
    annotations: LabelMap = {}


class PodTemplate(Model):
    """A patch of the pod that a run gets. WorkQueue, Flow, Deployment and FlowRun may each have one; the later wins."""

    metadata: PodMetadata | None = None
    spec: PodSpec | None = None
