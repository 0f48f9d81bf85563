"""The generated CRDs are in the form that Kubernetes takes."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.generate.crds import build_crd, build_crd_files, structural
from towpath.contract.resources import KINDS
from towpath.contract.resources.base import Kind


def walk(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    children = [*schema.get("properties", {}).values()]
    children += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for child in children:
        yield from walk(child)


def schema_of(kind: Kind) -> dict[str, Any]:
    return build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_schemas_are_structural(kind: Kind) -> None:
    for schema in walk(schema_of(kind)):
        assert not {"$ref", "$defs", "anyOf", "const", "title"} & set(schema)
        assert "type" in schema or schema.get("x-kubernetes-int-or-string")
        assert not ("properties" in schema and "additionalProperties" in schema)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_cel_may_iterate_is_bounded(kind: Kind) -> None:
    for schema in walk(schema_of(kind)["properties"]["spec"]):
        if schema.get("type") == "array":
            assert "maxItems" in schema


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_is_served_with_a_status_columns_and_the_category(kind: Kind) -> None:
    crd = build_crd(kind)["spec"]
    version = crd["versions"][0]
    assert version["subresources"] == {"status": {}}
    assert crd["names"]["categories"] == ["towpath"]
    assert any(column["name"] == "Age" for column in version["additionalPrinterColumns"])


def test_the_chart_holds_the_same_crds() -> None:
    files = build_crd_files()
    for path, text in files.items():
        assert files[path.replace("charts/towpath/files/", "")] == text
    assert len(files) == 2 * len(KINDS)
    assert {yaml.safe_load(text)["spec"]["names"]["kind"] for text in files.values()} == {k.kind for k in KINDS}


def test_what_no_structural_schema_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot say"):
        structural({"anyOf": [{"type": "string"}, {"type": "integer"}]})


def test_an_exclusive_bound_is_a_flag_beside_the_bound() -> None:
    schema = structural({"type": "number", "exclusiveMinimum": 0, "maximum": 5})
    assert schema == {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 5}
