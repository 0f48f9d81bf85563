"""The pod of an attempt: templates merged, Towpath's own parts added, and the whole checked against the allow-list."""

import dataclasses
from typing import Any

import pytest

from tests.support.operator import RUN_ID, make_claim
from towpath.contract.names import BLOCKS_DIR, TOKEN_DIR
from towpath.contract.resources.block import SecretRef
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath.contract.runs import ClaimedRun
from towpath_operator.domain.blocks import BlockSecrets, find_references, select_blocks
from towpath_operator.domain.jobs import KUEUE_QUEUE_LABEL, build_job
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodRefused, PodSettings, build_pod_template
from towpath_operator.domain.pod_rules import PodPolicy, check_pod
from towpath_operator.domain.pod_templates import merge_templates

KEY = RunKey("team", "run")
SETTINGS = PodSettings(api_url="http://api/api", image="towpath/flow:1", image_pull_policy="Always", run_as_user=65532)


def template(**spec: Any) -> PodTemplate:
    return PodTemplate.model_validate({"spec": spec})


def container(**fields: Any) -> PodTemplate:
    return template(containers=[{"name": "flow", **fields}])


def build(claim: ClaimedRun, settings: PodSettings = SETTINGS, blocks: tuple[BlockSecrets, ...] = ()) -> dict[str, Any]:
    return build_pod_template(claim, KEY, blocks, settings)


def env_of(pod: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in pod["spec"]["containers"][0]["env"]}


class TestMerging:
    def test_the_later_template_wins(self) -> None:
        merged = merge_templates(
            [
                container(image="a", workingDir="/a"),
                None,
                container(image="b"),
                template(priorityClassName="high"),
            ]
        )
        assert merged["spec"]["containers"] == [{"name": "flow", "image": "b", "workingDir": "/a"}]
        assert merged["spec"]["priorityClassName"] == "high"

    def test_variables_merge_by_name(self) -> None:
        merged = merge_templates(
            [
                container(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]),
                container(env=[{"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            ]
        )
        a, b = merged["spec"]["containers"][0]["env"]
        assert a == {"name": "A", "value": "1"}
        assert "value" not in b

    def test_resources_and_labels_merge_by_key(self) -> None:
        first = PodTemplate.model_validate({"metadata": {"labels": {"a": "1", "b": "1"}}})
        second = PodTemplate.model_validate({"metadata": {"labels": {"b": "2"}}})
        limits = container(resources={"limits": {"cpu": 1}}), container(resources={"limits": {"memory": "1Gi"}})
        merged = merge_templates([first, second, *limits])
        assert merged["metadata"]["labels"] == {"a": "1", "b": "2"}
        assert merged["spec"]["containers"][0]["resources"]["limits"] == {"cpu": 1, "memory": "1Gi"}

    def test_tolerations_add_up_and_affinity_is_replaced(self) -> None:
        one, two = {"key": "one"}, {"key": "two"}
        merged = merge_templates(
            [
                template(tolerations=[one], affinity={"nodeAffinity": {}}),
                template(tolerations=[one, two], affinity={"podAffinity": {}}),
            ]
        )
        assert merged["spec"]["tolerations"] == [one, two]
        assert merged["spec"]["affinity"] == {"podAffinity": {}}

    def test_what_was_left_at_its_default_does_not_undo_what_an_earlier_one_set(self) -> None:
        merged = merge_templates([container(volumeMounts=[{"name": "a", "mountPath": "/a"}]), container(image="x")])
        assert merged["spec"]["containers"][0]["volumeMounts"] == [{"name": "a", "mountPath": "/a"}]

    def test_queue_flow_deployment_and_run_come_in_that_order(self) -> None:
        claim = make_claim(
            queue=WorkQueueSpec(pod_template=container(env=[{"name": "BY", "value": "queue"}])),
            flow=FlowSpec(entrypoint="f.py:f", pod_template=container(env=[{"name": "BY", "value": "flow"}])),
            deployment=DeploymentSpec(flow="etl", pod_template=container(env=[{"name": "BY", "value": "deployment"}])),
            pod_template=container(env=[{"name": "BY", "value": "run"}]),
        )
        assert env_of(build(claim))["BY"]["value"] == "run"
        assert env_of(build(claim.model_copy(update={"pod_template": None})))["BY"]["value"] == "deployment"


class TestThePod:
    def test_results_go_where_they_are_told_to_and_by_default_to_the_api(self) -> None:
        def storage(claim: ClaimedRun, **env: str) -> str:
            pod = build(claim, dataclasses.replace(SETTINGS, env=env))
            variables = [entry["name"] for entry in pod["spec"]["containers"][0]["env"]]
            assert variables.count("TOWPATH_RESULTS_STORAGE") == 1, "a name twice is a warning of Kubernetes"
            return env_of(pod)["TOWPATH_RESULTS_STORAGE"]["value"]

        flow = FlowSpec(entrypoint="f.py:f", result_storage="s3/flow")
        deployment = DeploymentSpec(flow="etl", result_storage="s3/deployment")
        given = container(env=[{"name": "TOWPATH_RESULTS_STORAGE", "value": "s3://given"}])
        assert storage(make_claim()) == "api://"
        assert storage(make_claim(), TOWPATH_RESULTS_STORAGE="s3://all") == "s3://all"
        assert storage(make_claim(flow=flow), TOWPATH_RESULTS_STORAGE="s3://all") == "block://s3/flow"
        assert storage(make_claim(flow=flow, deployment=deployment)) == "block://s3/deployment"
        assert storage(make_claim(flow=flow, pod_template=given)) == "s3://given"

    def test_it_runs_the_runner_with_the_protocols_environment(self) -> None:
        pod = build(make_claim(attempt=3))
        env = env_of(pod)
        assert pod["spec"]["containers"][0]["command"] == ["python", "-m", "towpath.runner"]
        assert env["TOWPATH_API_URL"]["value"] == "http://api/api"
        assert env["TOWPATH_RUN_ID"]["value"] == str(RUN_ID)
        assert env["TOWPATH_ATTEMPT"]["value"] == "3"
        assert env["TOWPATH_POD_UID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.uid"
        assert env["TOWPATH_POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"

    def test_its_token_is_for_the_api_alone(self) -> None:
        spec = build(make_claim())["spec"]
        assert spec["automountServiceAccountToken"] is False
        (volume,) = [v for v in spec["volumes"] if v["name"] == "towpath-token"]
        (source,) = volume["projected"]["sources"]
        assert source["serviceAccountToken"]["audience"] == "towpath-api"
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["towpath-token"] == TOKEN_DIR

    def test_it_meets_the_restricted_standard(self) -> None:
        spec = build(make_claim())["spec"]
        assert check_pod(spec, PodPolicy()) == []
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 65532
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert spec["restartPolicy"] == "Never"

    def test_a_template_may_choose_another_user(self) -> None:
        claim = make_claim(pod_template=template(securityContext={"runAsUser": 1000, "fsGroup": 1000}))
        assert build(claim)["spec"]["securityContext"]["runAsUser"] == 1000

    @pytest.mark.parametrize(
        ("flow_image", "template_image", "image", "policy"),
        [
            (None, None, "towpath/flow:1", "Always"),
            ("a:1", None, "a:1", None),
            ("a:1", "b:1", "b:1", None),
        ],
    )
    def test_the_image_is_the_templates_else_the_flows_else_the_operators(
        self, flow_image: str | None, template_image: str | None, image: str, policy: str | None
    ) -> None:
        given = container(image=template_image) if template_image else None
        claim = make_claim(flow=FlowSpec(entrypoint="f.py:f", image=flow_image), pod_template=given)
        built = build(claim)["spec"]["containers"][0]
        assert (built["image"], built.get("imagePullPolicy")) == (image, policy)

    def test_labels_of_towpath_are_its_own(self) -> None:
        labels = {"team": "data", "towpath.dev/run-id": "forged", "x.towpath.dev/y": "z"}
        given = PodTemplate.model_validate({"metadata": {"labels": labels}})
        built = build(make_claim(pod_template=given))["metadata"]["labels"]
        assert built["team"] == "data"
        assert built["towpath.dev/run-id"] == str(RUN_ID)
        assert "x.towpath.dev/y" not in built


class TestTheAllowList:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            (template(serviceAccountName="admin"), "serviceAccountName"),
            (template(priorityClassName="system-node-critical"), "priorityClassName"),
            (
                template(
                    volumes=[{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]
                ),
                "serviceAccountToken",
            ),
            (template(volumes=[{"name": "towpath-token", "emptyDir": {}}]), "towpath-token"),
            (container(volumeMounts=[{"name": "a", "mountPath": "/var/run/towpath/token"}]), "/var/run/towpath/token"),
            (container(env=[{"name": "TOWPATH_RUN_ID", "value": "other"}]), "TOWPATH_RUN_ID"),
        ],
    )
    def test_a_template_that_asks_for_more_is_refused_by_its_field(self, given: PodTemplate, field: str) -> None:
        with pytest.raises(PodRefused, match=field):
            build(make_claim(pod_template=given))

    def test_a_service_account_that_the_administrator_allows_is_taken(self) -> None:
        policy = PodPolicy(service_accounts=frozenset({"reader"}))
        settings = PodSettings(api_url="http://api", image="i", policy=policy)
        built = build(make_claim(pod_template=template(serviceAccountName="reader")), settings)
        assert built["spec"]["serviceAccountName"] == "reader"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"hostNetwork": True}, "hostNetwork"),
            ({"hostPID": True}, "hostPID"),
            ({"initContainers": []}, "initContainers"),
            ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath"),
            ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "securityContext"),
            ({"containers": []}, "containers"),
            ({"automountServiceAccountToken": True}, "automountServiceAccountToken"),
        ],
    )
    def test_the_final_pod_is_checked_whatever_made_it(self, change: dict[str, Any], field: str) -> None:
        spec = build(make_claim())["spec"] | change
        assert any(field in problem for problem in check_pod(spec, PodPolicy()))

    def test_a_privileged_container_is_refused(self) -> None:
        spec = build(make_claim())["spec"]
        spec["containers"][0]["securityContext"] |= {"privileged": True}
        assert check_pod(spec, PodPolicy()) == ["spec.containers[flow].securityContext must drop all privileges."]


class TestBlocks:
    TOKEN = SecretRef(field="token", secret="github", key="t")
    BLOCKS = (BlockSecrets("github.dev", (TOKEN,)), BlockSecrets("s3.results", (TOKEN,)), BlockSecrets("json.x", ()))

    def test_without_a_list_a_pod_gets_all_and_waits_for_none(self) -> None:
        selected = select_blocks(make_claim(), self.BLOCKS)
        assert [block.resource_name for block in selected] == ["github.dev", "s3.results", "json.x"]
        assert not any(block.required for block in selected)

    def test_a_deployments_list_replaces_the_flows_and_is_waited_for(self) -> None:
        claim = make_claim(
            flow=FlowSpec(entrypoint="f.py:f", blocks=["json/x"]),
            deployment=DeploymentSpec(flow="etl", blocks=["github/dev"]),
        )
        assert select_blocks(claim, self.BLOCKS) == [BlockSecrets("github.dev", (self.TOKEN,), required=True)]

    def test_blocks_named_as_storage_are_among_them(self) -> None:
        claim = make_claim(deployment=DeploymentSpec(flow="etl", blocks=[], result_storage="s3/results"))
        assert [block.resource_name for block in select_blocks(claim, self.BLOCKS)] == ["s3.results"]

    def test_blocks_that_a_named_one_holds_are_among_them(self) -> None:
        held = (
            BlockSecrets("gcs-bucket.lake", (), references=("gcp-credentials.dev", "gone.x")),
            BlockSecrets("gcp-credentials.dev", (self.TOKEN,), references=("gcs-bucket.lake",)),
            BlockSecrets("json.x", ()),
        )
        claim = make_claim(deployment=DeploymentSpec(flow="etl", blocks=["gcs-bucket/lake"]))
        selected = select_blocks(claim, held)
        assert [(block.resource_name, block.required) for block in selected] == [
            ("gcs-bucket.lake", True),
            ("gcp-credentials.dev", True),
        ]

    def test_references_are_found_wherever_they_stand(self) -> None:
        config = {
            "a": {"$ref": {"block": "gcp-credentials/My Dev"}},
            "b": [{"c": {"$ref": {"block": "json/x"}}}, {"$ref": "malformed"}, {"$ref": {"block": 5}}],
        }
        assert list(find_references(config)) == ["gcp-credentials.my-dev", "json.x"]

    def test_each_secret_key_is_a_file_named_for_block_and_field(self) -> None:
        spec = build(make_claim(), blocks=(BlockSecrets("github.dev", (self.TOKEN,), required=True),))["spec"]
        (volume,) = [v for v in spec["volumes"] if v["name"] == "towpath-blocks"]
        (source,) = volume["projected"]["sources"]
        assert source["secret"] == {
            "name": "github",
            "items": [{"key": "t", "path": "github.dev/token"}],
            "optional": False,
        }
        assert any(mount["mountPath"] == BLOCKS_DIR for mount in spec["containers"][0]["volumeMounts"])

    @pytest.mark.parametrize("field", ["../x", "a/b", ".", ""])
    def test_a_field_that_is_no_file_name_is_left_out(self, field: str) -> None:
        ref = SecretRef.model_construct(field=field, secret="s", key="k")
        spec = build(make_claim(), blocks=(BlockSecrets("a.b", (ref,)),))["spec"]
        assert [v["name"] for v in spec["volumes"]] == ["towpath-token", "towpath-home"]


class TestTheJob:
    def make(self, **fields: Any) -> dict[str, Any]:
        claim = make_claim(**fields)
        return build_job(claim, KEY, "uid-run", build(claim))

    def test_it_is_named_for_run_and_attempt_and_owned_by_the_flow_run(self) -> None:
        job = self.make(attempt=2)
        assert job["metadata"]["name"] == "etl-main-f76bf3a76de3-2"
        (owner,) = job["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("FlowRun", "run", "uid-run")

    def test_kubernetes_never_runs_it_again(self) -> None:
        spec = self.make()["spec"]
        assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (0, "Failed")
        (rule,) = spec["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"]["values"] == [70, 72]

    def test_a_timeout_is_its_deadline(self) -> None:
        assert "activeDeadlineSeconds" not in self.make()["spec"]
        job = self.make(deployment=DeploymentSpec(flow="etl", timeout_seconds=90))
        assert job["spec"]["activeDeadlineSeconds"] == 90

    def test_it_stays_long_enough_for_an_operator_that_was_away(self) -> None:
        job = self.make(deployment=DeploymentSpec(flow="etl", ttl_seconds_after_finished=0))
        assert job["spec"]["ttlSecondsAfterFinished"] == 600

    def test_kueue_finds_its_queue_on_it(self) -> None:
        assert KUEUE_QUEUE_LABEL not in self.make()["metadata"]["labels"]
        job = self.make(queue=WorkQueueSpec(kueue_queue_name="team-queue"))
        assert job["metadata"]["labels"][KUEUE_QUEUE_LABEL] == "team-queue"
        assert "suspend" not in job["spec"]
