"""Manifests are read as a cluster reads them, and what is wrong is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.documents import BAD, GOOD, Case
from towpath.contract.resources import KINDS as CONTRACT_KINDS
from towpath.deployments.manifests import KINDS, read_document, read_manifests
from towpath.errors import ManifestError

FLOW = {"entrypoint": "etl.py:etl"}
OURS = {entry.kind.kind for entry in KINDS}
NAMES = {
    "Flow": "etl",
    "Deployment": "etl.daily",
    "WorkQueue": "test",
    "ConcurrencyLimit": "db",
    "Block": "github.dev",
    "Notification": "failed",
}


def make_document(kind: str = "Flow", called: str | None = None, /, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "towpath.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": called if called is not None else NAMES[kind]},
        "spec": spec or FLOW,
    }


def write(folder: Path, *documents: Any, name: str = "manifest.yaml") -> Path:
    file = folder / name
    file.write_text(yaml.safe_dump_all(documents))
    return file


def refusal(document: Any) -> str:
    with pytest.raises(ManifestError) as caught:
        read_document(document, "m.yaml, document 1")
    return str(caught.value)


def test_documents_come_in_the_order_in_which_they_can_be_applied(tmp_path: Path) -> None:
    deployment = make_document("Deployment", flow="etl")
    queue = make_document("WorkQueue", launcher="Agent")
    read = read_manifests([write(tmp_path, deployment, make_document(), queue)])
    assert [manifest.title for manifest in read] == ["WorkQueue 'test'", "Flow 'etl'", "Deployment 'etl/daily'"]


def test_several_files_and_a_namespace_are_read(tmp_path: Path) -> None:
    away = make_document() | {"metadata": {"name": "etl", "namespace": "away", "labels": {"team": "a"}}}
    files = [write(tmp_path, make_document(), name="a.yaml"), write(tmp_path, away, None, name="b.yaml")]
    assert [manifest.namespace for manifest in read_manifests(files)] == [None, "away"]


def test_times_and_words_are_read_as_kubectl_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        "apiVersion: towpath.dev/v1alpha1\nkind: Deployment\nmetadata: {name: etl.a}\n"
        "spec: {flow: etl, parameters: {day: 2026-01-01}, "
        "schedules: [{name: i, interval: 1h, anchor: 2026-01-01T00:00:00Z}]}\n"
    )
    [manifest] = read_manifests([file])
    assert manifest.spec.parameters == {"day": "2026-01-01"}
    assert manifest.spec.schedules[0].anchor.isoformat() == "2026-01-01T00:00:00+00:00"


def test_the_examples_manifests_are_read() -> None:
    files = sorted((Path(__file__).parents[3] / "examples").glob("*/manifest.yaml"))
    assert len(read_manifests(files)) > len(files)


@pytest.mark.parametrize("case", [case for case in GOOD if case.kind in OURS], ids=lambda case: case.why)
def test_what_the_contract_takes_is_taken(case: Case) -> None:
    spec = {key: value for key, value in case.spec.items() if key != "name"}
    read_document(make_document(case.kind) | {"spec": spec}, "m.yaml, document 1")


@pytest.mark.parametrize("case", [case for case in BAD if case.kind in OURS], ids=lambda case: case.why)
def test_what_the_contract_refuses_is_refused(case: Case) -> None:
    assert refusal(make_document(case.kind) | {"spec": case.spec}).startswith("m.yaml, document 1 (")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "m.yaml, document 1: a document must be a mapping"),
        (make_document() | {"apiVersion": "v1"}, "apiVersion is 'v1': write towpath.dev/v1alpha1."),
        (
            make_document() | {"kind": "Flo"},
            "kind is 'Flo': there are WorkQueue, ConcurrencyLimit, Block, Notification, Flow, Deployment.",
        ),
        (make_document() | {"kind": "FlowRun"}, "made with `towpath deployment run`"),
        (make_document("Block", "dev", type="github"), "but spec.type 'github' makes it 'github.<name>'"),
        (make_document() | {"sepc": {}}, "sepc is no field of a document"),
        (make_document() | {"metadata": {}}, "metadata.name is missing"),
        (make_document() | {"metadata": {"name": 7}}, "metadata.name is 7, which is not text"),
        (make_document("Flow", "My Flow"), "the name for people goes into spec.name"),
        (make_document() | {"spec": None}, "(Flow 'etl'): spec is missing"),
        (make_document(entrypoint="x"), "spec.entrypoint: 'x' is not right"),
        (
            make_document(entrypont="a.py:b", entrypoint="a.py:b"),
            "spec.entrypont is no field here: is 'entrypoint' meant?",
        ),
        (make_document("Deployment", workQueue="x"), "spec.flow is missing"),
        (
            make_document("Flow", "other") | {"spec": {**FLOW, "name": "My Flow"}},
            "but spec.name 'My Flow' makes it 'my-flow'",
        ),
        (make_document("Deployment", "daily", flow="etl"), "but spec.flow 'etl' makes it 'etl.<name>'"),
        (
            make_document("Deployment", "etl.x", flow="etl", name="daily"),
            "but spec.flow 'etl' and spec.name 'daily' make it 'etl.daily'",
        ),
        (
            make_document("Deployment", flow="etl", schedules=[{"name": "a", "cron": "x"}]),
            "(Deployment 'etl.daily'): spec.schedules.0.cron: 'x' has 1 field:",
        ),
        (
            make_document("Deployment", flow="etl", schedules=[{"name": "a"}]),
            "spec.schedules.0: give exactly one of cron, interval, rrule",
        ),
        (
            make_document("Deployment", flow="etl", concurrency={"limit": 1, "overlap": "Wait"}),
            "spec.concurrency.overlap: 'Wait' is not right: input should be 'Queue', 'Skip' or 'Replace'",
        ),
        (
            make_document("Deployment", flow="etl", schedules=[{"name": "a", "cron": "@daily", "timzone": "UTC"}]),
            "spec.schedules.0.timzone is no field here: is 'timezone' meant?",
        ),
    ],
)
def test_a_refusal_names_the_place_and_what_would_be_right(document: Any, says: str) -> None:
    assert says in refusal(document)


def test_the_same_thing_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"document 2 .* declares the same|declares the same"):
        read_manifests([write(tmp_path, make_document(), make_document())])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [", r"m\.yaml, line \d+: this is not YAML: "),
        (b"", r"m\.yaml holds no document\."),
        (b"\xff\xfe\xff", r"m\.yaml cannot be read: it is not UTF-8 text|this is not YAML"),
        (b"a: !!python/object:os.system {}", "this is not YAML"),
        (b"a: \x00", "this is not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    with pytest.raises(ManifestError, match=says):
        read_manifests([tmp_path / "m.yaml"])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"There is no file .*none\.yaml\."):
        read_manifests([tmp_path / "none.yaml"])


def test_every_kind_is_one_of_the_contract() -> None:
    assert {kind.kind for kind in CONTRACT_KINDS} > OURS
