"""Making FlowRuns known: a copied manifest gets a run of its own, and one that lost its label finds its run again."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock
from uuid import UUID

import pytest

from tests.support.operator import RUN_ID, make_flow_run_body, make_run
from towpath.contract.declared import ResourceRef
from towpath.contract.names import FINALIZER, LABEL_RUN_ID
from towpath.contract.runs import FlowRunCreate, FlowRunRead
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.domain.flow_runs import view_flow_run
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.reconcilers.context import RunContext, RunSettings
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.flow_runs import FlowRunReconciler
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue

OWN_ID = UUID("01a20f33-6f44-74a2-aac9-00000000abcd")


class Registering:
    """One FlowRun in a cluster, and an API with the runs it is given; `made` are the requests for more."""

    def __init__(self, body: Object, *runs: FlowRunRead) -> None:
        self.body = body
        self.runs = {run.id: run for run in runs}
        self.made: list[FlowRunCreate] = []
        kube, api, metrics = Mock(spec=KubeClient), Mock(spec=ApiClient), OperatorMetrics()
        kube.get = self._get
        kube.patch = AsyncMock(side_effect=self._patch)
        api.find_flow_run = AsyncMock(side_effect=self.runs.get)
        api.create_flow_run = AsyncMock(side_effect=self._create)
        api.cancel_flow_run = self.cancel = AsyncMock(side_effect=self.runs.get)
        settings = RunSettings("operator", None, PodSettings("http://api/api", "i"))
        self.context = RunContext(kube, api, settings, metrics, EventPoster(kube), DeclaredIndex())
        self.context.queue = Mock(spec=WorkQueue)
        self.context.queue.time = lambda: 0.0
        self.context.keep_flow_run(body)
        self.key: RunKey = view_flow_run(body).key

    async def reconcile(self) -> None:
        await FlowRunReconciler(self.context).reconcile(self.key)

    @property
    def label(self) -> str:
        """The run that the FlowRun's label names now."""
        return self.body["metadata"]["labels"][LABEL_RUN_ID]

    async def _get(self, *_: Any) -> Object:
        return self.body

    async def _create(self, request: FlowRunCreate) -> FlowRunRead:
        self.made.append(request)
        run = make_run(id=OWN_ID, namespace=request.namespace, resource=request.resource, attempts=[])
        return self.runs.setdefault(OWN_ID, run)

    async def _patch(self, _: Any, __: str, ___: str, patch: Mapping[str, Any], subresource: str = "") -> Object:
        metadata = {**self.body["metadata"], **patch.get("metadata", {})}
        metadata["resourceVersion"] = str(int(self.body["metadata"]["resourceVersion"]) + 1)
        status = {"status": patch["status"]} if subresource else {}
        self.body = {**self.body, **status, "metadata": metadata}
        return self.body


def make_body(status: Mapping[str, Any] | None = None, **metadata: Any) -> Object:
    body = make_flow_run_body(status=status)
    body["metadata"] |= metadata
    return body


@pytest.mark.parametrize(
    ("metadata", "run"),
    [
        pytest.param({"name": "copy", "uid": "uid-copy"}, make_run(), id="a copy beside it"),
        pytest.param({"uid": "uid-anew"}, make_run(), id="one applied again under its name"),
        pytest.param({"namespace": "evil", "uid": "uid-evil"}, make_run(), id="one in another namespace"),
        pytest.param(
            {"name": "copy", "uid": "uid-copy"}, make_run(resource=None), id="a copy of one the operator made"
        ),
    ],
)
async def test_a_manifest_copied_with_its_label_gets_a_run_of_its_own(
    metadata: dict[str, Any], run: FlowRunRead
) -> None:
    scene = Registering(make_body(**metadata), run)
    await scene.reconcile()
    (request,) = scene.made
    assert request.resource == ResourceRef(name=scene.key.name, uid=metadata["uid"], generation=1)
    assert request.namespace == scene.key.namespace
    assert scene.label == str(OWN_ID)
    await scene.reconcile()
    assert len(scene.made) == 1
    assert scene.body["status"]["runId"] == str(OWN_ID)
    scene.cancel.assert_not_called()


@pytest.mark.parametrize("labels", [{}, {LABEL_RUN_ID: "01a20f33-6f44-74a2-aac9-000000000000"}])
async def test_a_flow_run_whose_label_was_taken_or_changed_gets_it_back(labels: dict[str, str]) -> None:
    stranger = make_run(id=UUID("01a20f33-6f44-74a2-aac9-000000000000"), namespace="other")
    scene = Registering(make_body({"runId": str(RUN_ID)}, labels=labels), make_run(), stranger)
    await scene.reconcile()
    assert scene.made == []
    assert scene.label == str(RUN_ID)


async def test_a_restored_status_of_another_flow_run_is_no_hold_on_its_run() -> None:
    scene = Registering(make_body({"runId": str(RUN_ID)}, uid="uid-restored"), make_run())
    await scene.reconcile()
    assert scene.label == str(OWN_ID)
    await scene.reconcile()
    assert len(scene.made) == 1


async def test_deleting_a_copy_before_it_is_registered_cancels_its_own_run_only() -> None:
    scene = Registering(make_body(uid="uid-copy", deletionTimestamp="2026-11-24T12:00:00Z"), make_run())
    await scene.reconcile()
    scene.cancel.assert_awaited_once_with(OWN_ID)
    assert FINALIZER in scene.body["metadata"]["finalizers"]
