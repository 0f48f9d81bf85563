"""Blocks in the cluster: declared with kubectl or saved through the API, their Secrets loaded inside pods, and nobody else's."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tests.e2e.flows.block_flows import mark
from tests.support.cluster import SYSTEM_NAMESPACE, Document, Namespace, find_condition, make_document, wait_for
from towpath.blocks.system import Secret
from towpath.client.api import ApiClient
from towpath.client.tokens import TokenSource
from towpath.errors import ApiRefused
from towpath.settings import get_settings, overriding_settings

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

FLOWS = Path(__file__).parent / "flows" / "block_flows.py"
DECLARED, SAVED, CHANGED = (f"hush-{uuid4().hex}" for _ in range(3))


@pytest.fixture(scope="module")
def blocks(namespace: Namespace) -> Namespace:
    """A namespace with the flows, and a Block of kubectl's with a Secret."""
    named = {"blocks": ["holder/holder"]}
    namespace.apply_scenarios(FLOWS, {"reads": {}, "pries": {}, "reads-held": named})
    secret: Document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}}
    secret["stringData"] = {"password": DECLARED}
    refs = [{"field": "value", "secret": "mine", "key": "password"}]
    namespace.apply(secret, make_document("Block", "secret.declared", {"type": "secret", "secretRefs": refs}))
    config = {"token": {"$ref": {"block": "secret/declared"}}}
    namespace.apply(make_document("Block", "holder.holder", {"type": "holder", "config": config}))
    for name in ("secret.declared", "holder.holder"):
        namespace.wait_condition("blocks.towpath.dev", name, "Ready")
    for name in ("reads", "pries", "reads-held"):
        namespace.wait_condition("deployments.towpath.dev", f"{name}.main", "Ready")
    return namespace


@pytest.fixture
def as_tester(blocks: Namespace) -> Iterator[None]:
    """The SDK of this process speaks to the cluster's API as an account that may edit the namespace."""
    get_settings()
    with overriding_settings(
        api_url=f"{blocks.api.url()}/api", api_token=blocks.token, api_token_file=None, namespace=blocks.name
    ):
        yield


def find_secret(namespace: Namespace, name: str) -> str | None:
    found = namespace.find("secret", name)
    return None if found is None else base64.b64decode(found["data"]["value"]).decode()


def check_run(namespace: Namespace, run: str, secret: str) -> None:
    """The run has found the secret, and shown it nowhere."""
    finished = namespace.wait_condition("flowruns.towpath.dev", run, "Succeeded")
    logs = namespace.logs(run)
    assert f"the flow has {mark(secret)} and {mark(secret)}" in logs
    assert f"the task has {mark(secret)}" in logs
    assert secret not in "\n".join(logs) + json.dumps(finished)


def test_a_block_declared_with_kubectl_is_loaded_in_a_pod(blocks: Namespace) -> None:
    blocks.create_run("reads.main", "declared")
    check_run(blocks, "declared", DECLARED)
    (job,) = blocks.jobs("declared")
    assert DECLARED not in json.dumps(job)


def test_a_run_that_names_a_block_has_the_secrets_of_those_that_it_holds(blocks: Namespace) -> None:
    blocks.create_run("reads-held.main", "held")
    blocks.wait_condition("flowruns.towpath.dev", "held", "Succeeded")
    assert f"the held one has {mark(DECLARED)}" in blocks.logs("held")


def test_a_block_that_its_type_refuses_is_not_ready(blocks: Namespace) -> None:
    exposed = {"type": "secret", "config": {"value": SAVED}}
    blocks.apply(make_document("Block", "secret.exposed", exposed))
    refused = blocks.wait_condition("blocks.towpath.dev", "secret.exposed", "Ready=False")
    ready = find_condition(refused, "Ready")
    assert ready["reason"] == "InvalidSpec"
    assert "secretRefs" in ready["message"]
    assert SAVED not in ready["message"]


@pytest.mark.usefixtures("as_tester")
def test_a_block_saved_by_the_sdk_is_a_resource_and_loaded_in_a_pod(blocks: Namespace) -> None:
    Secret(value=SecretStr(SAVED)).save("saved")
    block = blocks.wait_condition("blocks.towpath.dev", "secret.saved", "Ready")
    (ref,) = block["spec"]["secretRefs"]
    assert find_secret(blocks, ref["secret"]) == SAVED
    assert SAVED not in json.dumps(block)
    blocks.create_run("reads.main", "saved", parameters={"name": "saved"})
    check_run(blocks, "saved", SAVED)
    Secret(value=SecretStr(CHANGED)).save("saved", overwrite=True)
    assert find_secret(blocks, ref["secret"]) == CHANGED
    blocks.create_run("reads.main", "changed", parameters={"name": "saved"})
    check_run(blocks, "changed", CHANGED)
    Secret.delete("saved")
    wait_for("the Block to go", lambda: blocks.find("block", "secret.saved") is None)
    wait_for("the Secret to go with its Block", lambda: find_secret(blocks, ref["secret"]) is None)
    with ApiClient(get_settings().api_url or "", TokenSource(blocks.token, None)) as client:

        def left() -> set[str]:
            return {f"{found.spec.type}/{found.name}" for found in client.list_blocks(namespace=blocks.name).items}

        wait_for("only what was declared to be left", lambda: left() == {"holder/holder", "secret/declared"})


@pytest.mark.usefixtures("as_tester")
def test_blocks_are_saved_only_for_who_may() -> None:
    with pytest.raises(ApiRefused, match="may not"):
        Secret(value=SecretStr(SAVED)).save("saved", namespace=SYSTEM_NAMESPACE)


def test_a_pod_reads_its_own_namespace_and_changes_nothing(blocks: Namespace) -> None:
    other = f"e2e-other-{uuid4().hex[:8]}"
    blocks.env.run_kubectl("create", "namespace", other)
    try:
        theirs = make_document("Block", "string.theirs", {"type": "string", "config": {"value": "theirs"}})
        blocks.env.run_kubectl("-n", other, "apply", "-f", "-", stdin=json.dumps(theirs))
        blocks.create_run("pries.main", "pries", parameters={"namespace": other, "block": "theirs"})
        blocks.wait_condition("flowruns.towpath.dev", "pries", "Succeeded")
        logs = "\n".join(blocks.logs("pries"))
        assert "load was refused: You may not list blocks" in logs
        assert "save was refused: You may not update blocks" in logs
        assert "let through" not in logs
    finally:
        blocks.env.run_kubectl("delete", "namespace", other, "--wait=false")


def test_the_api_may_not_read_secrets(blocks: Namespace) -> None:
    account = f"system:serviceaccount:{SYSTEM_NAMESPACE}:towpath-api"

    def may(verb: str) -> bool:
        said = blocks.kubectl("auth", "can-i", verb, "secrets", "--as", account, check=False)
        return said.strip() == "yes"

    assert {verb: may(verb) for verb in ("create", "delete", "get", "list", "watch", "update", "patch")} == {
        "create": True,
        "delete": True,
        "get": False,
        "list": False,
        "watch": False,
        "update": False,
        "patch": False,
    }
