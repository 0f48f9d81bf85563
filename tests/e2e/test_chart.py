"""What the chart renders: valid, with the contract's CRDs as they are, and with no more rights than are needed."""

from typing import Any

import pytest
import yaml

from dev.cluster.access import Environment, environment
from dev.cluster.installing import CHART
from dev.cluster.layout import CHECKOUT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

NAMESPACE = "towpath-chart-test"
WRITING_ROLES = (("api-blocks", "saveBlocks"), ("api-declared", "saveDeclared"))
"""What the API may write for callers, each with the value that takes it away."""
Document = dict[str, Any]


@pytest.fixture(scope="module")
def tools() -> Environment:
    """helm and kubectl."""
    return environment()


def render(tools: Environment, *options: str) -> list[Document]:
    """The chart's documents."""
    text = tools.run_helm("template", "towpath", str(CHART), "-n", NAMESPACE, *options)
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pod_specs(documents: list[Document]) -> list[Document]:
    return [d["spec"]["template"]["spec"] for d in documents if d["kind"] in ("Deployment", "Job")]


def test_the_chart_is_clean(tools: Environment) -> None:
    assert "0 chart(s) failed" in tools.run_helm("lint", "--strict", str(CHART))


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--set", "namespaces={a,b}"),
        ("--set", "persistence.enabled=false", "--set", "crds.keep=false"),
        ("--set", "api.database.url=postgresql://u:p@db/towpath"),
        ("--set", "service.type=NodePort", "--set", "service.nodePort=30420"),
        ("--set", "flows.runAsUser=null", "--set", "flows.env.TZ=UTC", "--set", "operator.tolerations[0].key=x"),
    ],
)
def test_the_api_server_takes_what_it_renders(tools: Environment, options: tuple[str, ...]) -> None:
    documents = [d for d in render(tools, *options) if d["metadata"].get("namespace") not in ("a", "b")]
    listed = yaml.safe_dump_all(documents)
    tools.run_kubectl("create", "namespace", NAMESPACE)
    try:
        tools.run_kubectl("apply", "--dry-run=server", "--force-conflicts", "--server-side", "-f", "-", stdin=listed)
    finally:
        tools.run_kubectl("delete", "namespace", NAMESPACE)


def test_a_value_that_nobody_knows_is_refused(tools: Environment) -> None:
    with pytest.raises(Exception, match="replicaCount"):
        render(tools, "--set", "replicaCount=2")


def test_the_crds_are_those_of_the_contract(tools: Environment) -> None:
    rendered = of_kind(render(tools), "CustomResourceDefinition")
    generated = [yaml.safe_load(path.read_text()) for path in sorted((CHECKOUT / "crds").glob("*.yaml"))]
    assert {crd["metadata"]["name"]: crd["spec"] for crd in generated} == {n: c["spec"] for n, c in rendered.items()}
    assert all(crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for crd in rendered.values())


def test_without_crds_none_is_rendered(tools: Environment) -> None:
    assert not of_kind(render(tools, "--set", "crds.enabled=false"), "CustomResourceDefinition")


def test_crds_that_are_not_kept_go_with_the_release(tools: Environment) -> None:
    for crd in of_kind(render(tools, "--set", "crds.keep=false"), "CustomResourceDefinition").values():
        assert "helm.sh/resource-policy" not in crd["metadata"].get("annotations", {})


@pytest.mark.parametrize(("role", "value"), WRITING_ROLES)
def test_the_api_writes_only_where_the_values_say(tools: Environment, role: str, value: str) -> None:
    name = f"{NAMESPACE}-towpath-{role}"
    assert name in of_kind(render(tools), "ClusterRoleBinding")
    served = render(tools, "--set", "namespaces={a,b}")
    bound = [d["metadata"]["namespace"] for d in served if d["kind"] == "RoleBinding" and d["roleRef"]["name"] == name]
    assert bound == ["a", "b"]
    assert name not in of_kind(served, "ClusterRoleBinding")
    for document in render(tools, "--set", f"rbac.{value}=false"):
        assert document["metadata"]["name"] != name


def test_nobody_may_read_secrets_or_do_everything(tools: Environment) -> None:
    for name, role in of_kind(render(tools), "ClusterRole").items():
        for rule in role["rules"]:
            # get, list, watch, update and patch each answer with what is in them
            assert "secrets" not in rule["resources"] or set(rule["verbs"]) <= {"create", "delete"}, name
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], name


def test_what_became_of_pods_is_read_and_never_written(tools: Environment) -> None:
    rules = of_kind(render(tools), "ClusterRole")[f"{NAMESPACE}-towpath-api-pods"]["rules"]
    assert {rule["resources"][0]: rule["verbs"] for rule in rules} == {
        "pods": ["get", "list"],
        "events": ["list"],
        "jobs": ["list"],
        "flowruns": ["get"],
    }


def test_in_chosen_namespaces_the_release_may_act_there_alone(tools: Environment) -> None:
    documents = render(tools, "--set", "namespaces={a,b}")
    bindings: dict[str, list[str]] = {}
    for document in documents:
        if document["kind"] == "RoleBinding":
            bindings.setdefault(document["roleRef"]["name"], []).append(document["metadata"]["namespace"])
    prefix = f"{NAMESPACE}-towpath"
    names = ("api-pods", "operator", "uninstall", *(role for role, _ in WRITING_ROLES))
    assert bindings == {f"{prefix}-{name}": ["a", "b"] for name in names}
    clusterwide = {d["roleRef"]["name"] for d in documents if d["kind"] == "ClusterRoleBinding"}
    assert not clusterwide & bindings.keys()


@pytest.mark.parametrize(
    ("option", "secret"),
    [
        ("api.database.url=postgresql://u:p@db/towpath", "towpath-database"),
        ("api.database.existingSecret=mine", "mine"),
    ],
)
def test_a_shared_database_is_upgraded_before_the_api_starts(tools: Environment, option: str, secret: str) -> None:
    spec = of_kind(render(tools, "--set", option), "Deployment")["towpath-api"]["spec"]["template"]["spec"]
    (upgrade,) = spec["initContainers"]
    assert upgrade["command"] == ["towpath", "server", "database", "upgrade"]
    for container in (upgrade, spec["containers"][0]):
        (url,) = [variable for variable in container["env"] if variable["name"] == "TOWPATH_DATABASE_URL"]
        assert url["valueFrom"]["secretKeyRef"] == {"name": secret, "key": "url"}
    assert "initContainers" not in of_kind(render(tools), "Deployment")["towpath-api"]["spec"]["template"]["spec"]


def test_the_api_is_not_started_again_for_a_database_that_is_away(tools: Environment) -> None:
    spec = of_kind(render(tools), "Deployment")["towpath-api"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/api/version"
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/health"


def test_every_pod_meets_the_restricted_standard(tools: Environment) -> None:
    specs = pod_specs(render(tools))
    assert len(specs) == 3
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_one_writer_at_a_time(tools: Environment) -> None:
    deployments = of_kind(render(tools), "Deployment").values()
    assert [(d["spec"]["replicas"], d["spec"]["strategy"]["type"]) for d in deployments] == [(1, "Recreate")] * 2


def test_secrets_are_read_in_the_listed_namespaces_alone(tools: Environment) -> None:
    assert not of_kind(render(tools), "Role")
    documents = render(tools, "--set", "notifications.secretNamespaces={a,b}")
    roles = [document for document in documents if document["kind"] == "Role"]
    assert [role["metadata"]["namespace"] for role in roles] == ["a", "b"]
    for role in roles:
        assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    bindings = [d for d in documents if d["kind"] == "RoleBinding" and d["roleRef"]["kind"] == "Role"]
    assert [binding["metadata"]["namespace"] for binding in bindings] == ["a", "b"]


@pytest.mark.parametrize(
    ("option", "variable", "value"),
    [
        ("api.publicUrl=https://t.example", "PUBLIC_URL", "https://t.example"),
        ("api.auth.acceptApiServerTokens=true", "ACCEPT_API_SERVER_TOKENS", "true"),
        ("api.auth.trustedProxies={10.1.0.0/16,10.2.0.1}", "TRUSTED_PROXIES", "10.1.0.0/16,10.2.0.1"),
        ("notifications.allowedNetworks={10.1.0.0/16,fd00::/8}", "NOTIFY_ALLOWED_NETWORKS", "10.1.0.0/16,fd00::/8"),
        ("notifications.secretNamespaces={a,b}", "NOTIFY_SECRET_NAMESPACES", "a,b"),
    ],
)
def test_who_may_enter_and_where_messages_go_is_opted_into(
    tools: Environment, option: str, variable: str, value: str
) -> None:
    def variables(*options: str) -> dict[str, str]:
        spec = of_kind(render(tools, *options), "Deployment")["towpath-api"]["spec"]["template"]["spec"]
        return {one["name"]: one.get("value", "") for one in spec["containers"][0]["env"]}

    assert variables("--set", option)[f"TOWPATH_SERVER_{variable}"] == value
    assert f"TOWPATH_SERVER_{variable}" not in variables()


def test_a_network_that_is_none_is_refused(tools: Environment) -> None:
    with pytest.raises(Exception, match="allowedNetworks"):
        render(tools, "--set", "notifications.allowedNetworks={everywhere}")
