"""The table of manifests held against the API server: schemas and CEL rules refuse by themselves, and name the field."""

import json

import pytest

from tests.support.cluster import Namespace
from tests.support.documents import BAD, GOOD

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


def test_every_good_manifest_is_taken(namespace: Namespace) -> None:
    documents = [case.document(f"good-{number}") for number, case in enumerate(GOOD)]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    taken = namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=listed)
    assert len(taken.splitlines()) == len(GOOD)


def test_every_bad_manifest_is_refused_by_the_field_at_fault(namespace: Namespace) -> None:
    documents = [case.document(f"bad-{number}") for number, case in enumerate(BAD)]
    wrong: list[str] = []
    for case, document in zip(BAD, documents, strict=True):
        said = namespace.refused(
            "create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(document)
        )
        if case.says not in said:
            wrong.append(f"{case.why}: {said}")
    assert not wrong, "\n".join(wrong)


def test_a_run_keeps_what_it_was_made_for(namespace: Namespace) -> None:
    namespace.create_run("nobody.main", "kept")
    patch = '{"spec":{"deployment":"other.main"}}'
    said = namespace.refused("patch", "flowrun", "kept", "--type=merge", "-p", patch, stdin="")
    assert "deployment cannot change once the run is made" in said
