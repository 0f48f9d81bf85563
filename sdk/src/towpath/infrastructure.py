"""Where a deployment's runs go, in the words of those who come from Prefect: `Process` and `KubernetesJob`.

Here a run goes where its work queue's launcher takes it: an agent starts a process, the operator a Job. A block of these types
says which of the two, and what its environment is; a deployment is built with it, and keeps what it says in its pod template.
Called by users and by `towpath deployment build`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, ValidationError

from towpath.blocks.core import Block
from towpath.contract.resources.pod_template import Container, EnvVar, PodMetadata, PodSpec, PodTemplate, Resources
from towpath.deployments.explaining import explain
from towpath.errors import DeploymentError

__all__ = ["Infrastructure", "KubernetesJob", "Process", "build_infrastructure"]

Launcher = Literal["Job", "Agent"]


class Infrastructure(Block):
    """What the infrastructures have in common.

    Attributes:
        launcher: what launches such runs: the operator (`Job`) or an agent (`Agent`).
    """

    _is_abstract_block: ClassVar[bool] = True
    launcher: ClassVar[Launcher] = "Job"

    env: Annotated[dict[str, str], Field(max_length=256, description="Environment variables, by name.")] = {}

    def to_pod_template(self) -> PodTemplate | None:
        """What a run's environment is; None for nothing special."""
        variables = [EnvVar(name=name, value=value) for name, value in self.env.items()]
        return PodTemplate(spec=PodSpec(containers=[Container(env=variables)])) if variables else None


class Process(Infrastructure):
    """A process that an agent starts.

    Example:
        ```python
        from towpath.infrastructure import Process

        Process(env={"REGION": "eu"}).save("eu")
        ```
    """

    launcher: ClassVar[Launcher] = "Agent"


class KubernetesJob(Infrastructure):
    """A Job that the operator starts.

    Example:
        ```python
        from towpath.infrastructure import KubernetesJob

        KubernetesJob(image="registry.example.org/flows:1", memory_limit="2Gi").save("large")
        ```
    """

    _block_type_name: ClassVar[str | None] = "Kubernetes Job"
    _block_type_slug: ClassVar[str | None] = "kubernetes-job"

    image: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    labels: dict[str, str] = {}
    service_account_name: str | None = None
    cpu_request: str | None = Field(None, examples=["500m"])
    cpu_limit: str | None = None
    memory_request: str | None = Field(None, examples=["512Mi"])
    memory_limit: str | None = None
    node_selector: dict[str, str] = {}
    pod_template: PodTemplate | None = Field(
        None, description="What else the pod needs; the fields above are laid over it."
    )

    def to_pod_template(self) -> PodTemplate | None:
        template = self.pod_template or PodTemplate()
        spec = template.spec or PodSpec()
        container = spec.containers[0] if spec.containers else Container()
        if self.env:
            kept = [variable for variable in container.env if variable.name not in self.env]
            container = container.model_copy(
                update={"env": [*kept, *(EnvVar(name=name, value=value) for name, value in self.env.items())]}
            )
        given: dict[str, Any] = {
            "image": self.image,
            "image_pull_policy": self.image_pull_policy,
            "resources": self._to_resources(container),
        }
        container = container.model_copy(update={name: value for name, value in given.items() if value is not None})
        changes: dict[str, Any] = {"containers": [container] if container != Container() else []}
        if self.service_account_name is not None:
            changes["service_account_name"] = self.service_account_name
        if self.node_selector:
            changes["node_selector"] = {**spec.node_selector, **self.node_selector}
        spec = spec.model_copy(update=changes)
        metadata = template.metadata or PodMetadata()
        metadata = metadata.model_copy(update={"labels": {**metadata.labels, **self.labels}})
        built = PodTemplate(
            metadata=metadata if metadata != PodMetadata() else None, spec=spec if spec != PodSpec() else None
        )
        return built if built != PodTemplate() else None

    def _to_resources(self, container: Container) -> Resources | None:
        before = container.resources or Resources()
        requests = {"cpu": self.cpu_request, "memory": self.memory_request}
        limits = {"cpu": self.cpu_limit, "memory": self.memory_limit}
        built = Resources(
            requests={**before.requests, **{name: value for name, value in requests.items() if value is not None}},
            limits={**before.limits, **{name: value for name, value in limits.items() if value is not None}},
        )
        return built if built != Resources() else None


KINDS: Mapping[str, type[Infrastructure]] = {"process": Process, "kubernetes-job": KubernetesJob}
"""By the name that `--infra` takes."""


def build_infrastructure(base: Infrastructure, overrides: Mapping[str, Any]) -> Infrastructure:
    """An infrastructure with some fields replaced.

    Args:
        overrides: values by field; dotted to reach into one, as `env.REGION`.

    Raises:
        DeploymentError: a field is not there, or does not take the value.
    """
    fields: dict[str, Any] = base.model_dump(exclude_none=True, exclude_defaults=True, by_alias=False)
    for path, value in overrides.items():
        _lay(fields, path, value, type(base))
    try:
        return type(base).model_validate(fields)
    except ValidationError as error:
        raise DeploymentError(f"--override: {explain(error, type(base))[0].rstrip('.')}.") from None


def _lay(fields: dict[str, Any], path: str, value: Any, kind: type[Infrastructure]) -> None:
    first, *rest = path.split(".")
    if first not in kind.model_fields:
        known = ", ".join(kind.model_fields)
        raise DeploymentError(f"--override: {kind.get_block_type_slug()} has no {first!r}: there are {known}.")
    if first in ("env", "labels", "node_selector") and rest:
        rest = [".".join(rest)]  # their keys may have dots
    place, key = fields, first
    for part in rest:
        inner = place.setdefault(key, {})
        if not isinstance(inner, dict):
            raise DeploymentError(f"--override: {path!r} leads into {key!r}, which is no object.")
        place, key = cast("dict[str, Any]", inner), part
    place[key] = value
