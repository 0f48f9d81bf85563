"""What a template may not ask for, however it is written: each is refused by a sentence that names the field."""

from typing import Any

import pytest

from tests.support.operator import make_claim
from towpath.contract.resources.pod_template import PodTemplate
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodRefused, PodSettings, build_pod_template
from towpath_operator.domain.pod_rules import PodPolicy


def build(template: dict[str, Any], policy: PodPolicy | None = None) -> dict[str, Any]:
    settings = PodSettings(api_url="http://api/api", image="towpath/flow:1", policy=policy or PodPolicy())
    return build_pod_template(
        make_claim(pod_template=PodTemplate.model_validate(template)), RunKey("team", "run"), (), settings
    )


def projected(value: Any) -> dict[str, Any]:
    return {"spec": {"volumes": [{"name": "v", "projected": value}]}}


def csi(value: Any) -> dict[str, Any]:
    return {"spec": {"volumes": [{"name": "v", "csi": value}]}}


def mounted(path: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "flow", "volumeMounts": [{"name": "v", "mountPath": path}]}]}}


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (projected({"sources": None}), r"volumes\[v\]\.projected\.sources must be a list"),
        (projected({}), r"volumes\[v\]\.projected\.sources must be a list"),
        (projected({"sources": {"secret": {}}}), r"volumes\[v\]\.projected\.sources must be a list"),
        (projected({"sources": [None]}), r"projected\.sources must hold objects only, not None"),
        (projected({"sources": ["secret"]}), r"projected\.sources must hold objects only, not 'secret'"),
        (projected({"sources": [{"serviceAccountToken": None}]}), r"projected\.sources may not hold a service"),
        (projected({"sources": [{"secret": {}, "clusterTrustBundle": {}}]}), r"may not hold a clusterTrustBundle"),
        (csi({"driver": "host.csi"}), r"volumes\[v\]\.csi: the driver 'host.csi' is not among"),
        (csi({"driver": None}), r"volumes\[v\]\.csi: the driver '' is not among"),
    ],
)
def test_a_volume_that_is_malformed_or_reaches_out_is_refused(template: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PodRefused, match=sentence):
        build(template)


def test_a_csi_driver_that_the_administrator_allows_is_taken() -> None:
    pod = build(csi({"driver": "secrets.csi"}), PodPolicy(csi_drivers=frozenset({"secrets.csi"})))
    assert pod["spec"]["volumes"][0]["csi"] == {"driver": "secrets.csi"}


@pytest.mark.parametrize(
    "path",
    [
        "/var/run/towpath",
        "/var/run/towpath/token/",
        "/run/towpath/token",
        "/var/run/./towpath",
        "/var/run/towpath/../towpath/blocks",
        "/var//run//towpath/home",
        "//run/towpath",
        "/x/../run/towpath",
    ],
)
def test_no_way_of_writing_towpaths_own_paths_mounts_over_them(path: str) -> None:
    with pytest.raises(PodRefused, match="which is Towpath's own"):
        build(mounted(path))


@pytest.mark.parametrize("path", ["/run/towpath-data", "/var/runs/towpath", "/srv/run/towpath", "/var/lib", "/data"])
def test_other_paths_may_be_mounted(path: str) -> None:
    mounts = build(mounted(path))["spec"]["containers"][0]["volumeMounts"]
    assert path in [mount["mountPath"] for mount in mounts]


@pytest.mark.parametrize("part", ["labels", "annotations"])
@pytest.mark.parametrize(
    "name",
    [
        "container.apparmor.security.beta.kubernetes.io/flow",
        "seccomp.security.alpha.kubernetes.io/pod",
        "batch.kubernetes.io/job-name",
        "kubernetes.io/limit-ranger",
        "scheduling.k8s.io/x",
        "kueue.x-k8s.io/queue-name",
        "k8s.v1.cni.cncf.io/networks",
        "iam.amazonaws.com/role",
        "eks.amazonaws.com/role-arn",
        "iam.gke.io/gcp-service-account",
        "azure.workload.identity/use",
        "aadpodidbinding",
        "io.kubernetes.cri-o.userns-mode",
        "io.katacontainers.config.hypervisor.path",
    ],
)
def test_names_that_speak_to_the_cluster_are_refused(part: str, name: str) -> None:
    with pytest.raises(PodRefused, match=rf"metadata\.{part} may not hold '{name}'"):
        build({"metadata": {part: {name: "x"}}})


@pytest.mark.parametrize(
    "name",
    [
        "team",
        "example.com/cost-centre",
        "app.kubernetes.io/name",
        "cluster-autoscaler.kubernetes.io/safe-to-evict",
        "sidecar.istio.io/inject",
        "prometheus.io/scrape",
        "karpenter.sh/do-not-disrupt",
        "notkubernetes.io/x",
    ],
)
def test_names_for_people_and_their_tools_are_free(name: str) -> None:
    metadata = build({"metadata": {"labels": {name: "x"}, "annotations": {name: "x"}}})["metadata"]
    assert (metadata["labels"][name], metadata["annotations"][name]) == ("x", "x")


@pytest.mark.parametrize(("given", "seconds"), [({}, 30), ({"terminationGracePeriodSeconds": 120}, 120)])
def test_the_runner_is_told_how_long_it_has_to_end(given: dict[str, Any], seconds: int) -> None:
    spec = build({"spec": given})["spec"]
    env = {entry["name"]: entry.get("value") for entry in spec["containers"][0]["env"]}
    assert (spec["terminationGracePeriodSeconds"], env["TOWPATH_GRACE_PERIOD"]) == (seconds, str(seconds))


def test_all_problems_of_a_template_are_named_at_once() -> None:
    volumes = [{"name": "a", "projected": {"sources": None}}, {"name": "towpath-x", "emptyDir": {}}]
    with pytest.raises(PodRefused) as refused:
        build({"metadata": {"labels": {"iam.amazonaws.com/role": "x"}}, "spec": {"volumes": volumes}})
    assert len(refused.value.problems) == 3
