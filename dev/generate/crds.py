"""Builds the CustomResourceDefinitions from the contract's resource models. Pure: returns texts, writes nothing.

Kubernetes takes structural schemas only: no `$ref`, no `anyOf` with null, no `additionalProperties` beside `properties`, and
exclusive bounds as flags beside the bound. What pydantic writes is brought into that form here.
"""

from typing import Any

import yaml

from towpath.contract import names
from towpath.contract.resources import KINDS
from towpath.contract.resources.base import Column, Kind

Schema = dict[str, Any]

_DROPPED = ("title", "examples", "propertyNames", "$defs", "discriminator")
_HEADER = "# Generated from towpath.contract.resources by `make generate`. Do not edit.\n"


def build_crd_files() -> dict[str, str]:
    """The CRDs' texts by path: once for `kubectl apply -f crds/`, once inside the chart."""
    files: dict[str, str] = {}
    for kind in KINDS:
        text = _HEADER + yaml.safe_dump(build_crd(kind), sort_keys=False, width=120, allow_unicode=True)
        files[f"crds/{kind.plural}.yaml"] = text
        files[f"charts/towpath/files/crds/{kind.plural}.yaml"] = text
    return files


def build_crd(kind: Kind) -> Schema:
    """The CustomResourceDefinition of one kind."""
    schema = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.spec.model_json_schema(by_alias=True)),
            "status": structural(kind.status.model_json_schema(by_alias=True)),
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "categories": [names.CATEGORY],
            }
            # A short name equal to the singular is refused as a duplicate.
            | ({"shortNames": [kind.short_name]} if kind.short_name != kind.singular else {}),
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_build_column(column) for column in kind.columns],
                }
            ],
        },
    }


def structural(schema: Schema) -> Schema:
    """`schema`, as pydantic writes it, in the structural form that Kubernetes takes."""
    return _convert(schema, schema.get("$defs", {}))


def _convert(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[1]]
        schema = target | {key: value for key, value in schema.items() if key != "$ref"}
    if schema.get("x-kubernetes-int-or-string"):
        return {key: value for key, value in schema.items() if key in ("description", "x-kubernetes-int-or-string")}
    if "anyOf" in schema:
        schema = _without_null(schema)
        return _convert(schema, definitions)
    result = {key: value for key, value in schema.items() if key not in _DROPPED and value is not None}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if exclusive in result:  # a number in JSON schema, a flag beside the bound in a CRD
            result |= {bound: result[exclusive], exclusive: True}
    if "properties" in result:
        result.pop("additionalProperties", None)
        result["properties"] = {key: _convert(value, definitions) for key, value in result["properties"].items()}
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _convert(result["additionalProperties"], definitions)
    else:
        result.pop("additionalProperties", None)
    if "items" in result:
        result["items"] = _convert(result["items"], definitions)
    return result


def _without_null(schema: Schema) -> Schema:
    """An optional field's schema as that of its value: the API server takes a null away before it looks."""
    options = [option for option in schema["anyOf"] if option.get("type") != "null"]
    if len(options) != 1:
        raise ValueError(f"a structural schema cannot say {schema['anyOf']}")
    return options[0] | {key: value for key, value in schema.items() if key != "anyOf"}


def _build_column(column: Column) -> Schema:
    built: Schema = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return built | ({"priority": column.priority} if column.priority else {})
