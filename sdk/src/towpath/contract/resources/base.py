"""What all resource models share: the base model, bounds, conditions, and the description of a kind.

A model here is both the schema that `make generate` turns into a CRD and the pydantic twin that checks the same document
where no API server does. CEL rules stand in `x-kubernetes-validations` beside the validator that says the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from towpath.contract import names

DisplayName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f\x7f][^/\x00-\x1f\x7f]*$")]
"""A Prefect-style name: any characters but `/` and control characters."""

DeploymentName = Annotated[
    str, Field(min_length=1, max_length=401, pattern=r"^[^/\x00-\x1f\x7f]+(/[^/\x00-\x1f\x7f]+)?$")
]
"""A Deployment, by its resource name or as `flow/deployment`."""

BLOCK_NAME_PATTERN = r"^[^/\x00-\x1f\x7f]+/[^/\x00-\x1f\x7f]+$"
BlockName = Annotated[str, Field(min_length=3, max_length=401, pattern=BLOCK_NAME_PATTERN)]
"""A Block as `type/name`."""

Tag = Annotated[str, Field(min_length=1, max_length=200)]
Json = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""A free-form JSON object. CEL cannot see inside it."""


class Model(BaseModel):
    """The base of everything in a resource: camelCase on the outside, nothing unknown let in."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", serialize_by_alias=True, validate_default=False
    )


class Condition(Model):
    """A Kubernetes condition. Lists of them are maps keyed by `type`."""

    type: Annotated[str, Field(max_length=63)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(max_length=1024)] = ""
    message: Annotated[str, Field(max_length=32768)] = ""
    last_transition_time: AwareDatetime | None = None
    observed_generation: Annotated[int, Field(ge=0)] | None = None


Conditions = Annotated[
    list[Condition],
    Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]


class Status(Model):
    """The base of every status: what the operator observed, of which generation."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: Conditions = []


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`: a heading, a JSON path, and a type that kubectl knows."""

    name: str
    path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0


class RunMatch(Model):
    """Which runs something is about. An empty list of tags, flows or deployments matches every run."""

    tags: Annotated[list[Tag], Field(max_length=50)] = []
    flows: Annotated[list[DisplayName], Field(max_length=100)] = []
    deployments: Annotated[list[DeploymentName], Field(max_length=100)] = []


@dataclass(frozen=True)
class Kind:
    """One custom resource: its names, its models and how `kubectl get` shows it."""

    kind: str
    plural: str
    short_name: str
    spec: type[Model]
    status: type[Status]
    columns: tuple[Column, ...]
    description: str

    @property
    def singular(self) -> str:
        """The name that `kubectl get flowrun NAME` takes."""
        return self.kind.lower()

    @property
    def crd_name(self) -> str:
        """metadata.name of the CustomResourceDefinition."""
        return f"{self.plural}.{names.GROUP}"


READY_COLUMNS = (
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', priority=1),
)
AGE_COLUMN = Column("Age", ".metadata.creationTimestamp", "date")


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """JSON schema keywords for CEL rules, each given as (rule, message)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def document(kind: Kind, name: str, spec: Model, namespace: str | None = None) -> Mapping[str, Any]:
    """The manifest that `kubectl apply -f` takes for `spec`, without what was left at its default."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    body = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"apiVersion": names.API_VERSION, "kind": kind.kind, "metadata": metadata, "spec": body}
