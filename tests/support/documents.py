"""One table of manifests, good and bad. Unit tests hold the pydantic models to it, end-to-end tests the API server.

A bad one names the words that the refusal must contain: the field, or the sentence of its rule.
"""

from dataclasses import dataclass
from typing import Any

FLOW = {"entrypoint": "flows.py:etl"}
FLOW_RUN = {"deployment": "etl.main"}
DEPLOYMENT = {"flow": "etl"}


@dataclass(frozen=True)
class Case:
    """A manifest's kind and spec, why it is in the table, and what its refusal says; empty for one that is taken."""

    why: str
    kind: str
    spec: dict[str, Any]
    says: str = ""

    def document(self, name: str = "case") -> dict[str, Any]:
        """The manifest."""
        return {"apiVersion": "towpath.dev/v1alpha1", "kind": self.kind, "metadata": {"name": name}, "spec": self.spec}


def _container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "flow", **fields}]}}


GOOD = (
    Case("the least flow", "Flow", FLOW),
    Case("a module as entrypoint", "Flow", {"entrypoint": "shop.flows:etl"}),
    Case("a name for people", "Flow", {"name": "My Flow", **FLOW}),
    Case(
        "everything a flow may say",
        "Flow",
        {
            **FLOW,
            "image": "example/etl:1",
            "storage": {"block": "github/dev", "path": "flows"},
            "resultStorage": "s3/results",
            "blocks": ["secret/token"],
            "parameterSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "podTemplate": _container(
                resources={"limits": {"memory": "1Gi", "cpu": 2}}, env=[{"name": "A", "value": "b"}]
            ),
        },
    ),
    Case("the least deployment", "Deployment", DEPLOYMENT),
    Case(
        "three kinds of schedule",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [
                {"name": "cron", "cron": "0 6 * * *", "timezone": "Europe/Berlin"},
                {"name": "interval", "interval": "1h30m", "anchor": "2026-01-01T00:00:00Z"},
                {"name": "rrule", "rrule": "FREQ=DAILY;COUNT=3", "missedRuns": "All"},
            ],
        },
    ),
    Case(
        "limits and retries",
        "Deployment",
        {
            **DEPLOYMENT,
            "concurrency": {"limit": 1, "overlap": "Skip"},
            "infraRetries": 3,
            "timeoutSeconds": 60,
            "ttlSecondsAfterFinished": 0,
        },
    ),
    Case("the least queue", "WorkQueue", {}),
    Case(
        "a queue with everything",
        "WorkQueue",
        {
            "launcher": "Agent",
            "paused": True,
            "concurrencyLimit": 0,
            "priority": -5,
            "kueueQueueName": "team",
        },
    ),
    Case(
        "a block with a secret",
        "Block",
        {
            "type": "github",
            "config": {"repository": "https://example.org/r"},
            "secretRefs": [{"field": "token", "secret": "github", "key": "token"}],
        },
    ),
    Case("the least run", "FlowRun", FLOW_RUN),
    Case("a run by its deployment's full name", "FlowRun", {"deployment": "My Flow/main", "parameters": {"n": 1}}),
    Case("a run for later", "FlowRun", {**FLOW_RUN, "scheduledTime": "2026-01-01T00:00:00Z"}),
    Case("a notification", "Notification", {"states": ["FAILED"], "channels": ["slack-webhook/team"]}),
    Case("an automation", "Automation", {"trigger": {"states": ["FAILED"]}, "actions": [{"cancelRun": {}}]}),
    Case(
        "an automation of a state that does not come",
        "Automation",
        {
            "trigger": {"states": ["RUNNING"], "flows": ["etl"], "expect": ["COMPLETED"], "within": "1h30m"},
            "actions": [
                {"notify": {"channels": ["slack-webhook/team"], "message": "late"}},
                {"runDeployment": {"deployment": "repair/main", "parameters": {"n": 1}}},
                {"pauseWorkQueue": {"name": "slow"}},
                {"pauseDeployment": {}},
            ],
        },
    ),
    Case("a limit", "ConcurrencyLimit", {"tag": "db", "limit": 4}),
)

BAD = (
    Case("no entrypoint", "Flow", {}, "entrypoint"),
    Case("an entrypoint without a function", "Flow", {"entrypoint": "flows.py"}, "entrypoint"),
    Case("an unknown kind of value", "Flow", {"entrypoint": 3}, "entrypoint"),
    Case("a slash in a name", "Flow", {"name": "a/b", **FLOW}, "name"),
    Case("a storage without its block", "Flow", {**FLOW, "storage": {"path": "x"}}, "block"),
    Case("a block without its type", "Flow", {**FLOW, "blocks": ["token"]}, "blocks"),
    Case("an unknown field", "Flow", {**FLOW, "entrypiont": "x"}, "entrypiont"),
    Case(
        "a privileged container",
        "Flow",
        {
            **FLOW,
            "podTemplate": _container(securityContext={"privileged": True}),
        },
        "securityContext",
    ),
    Case("the host's network", "Flow", {**FLOW, "podTemplate": {"spec": {"hostNetwork": True}}}, "hostNetwork"),
    Case(
        "the host's files",
        "Flow",
        {
            **FLOW,
            "podTemplate": {"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}},
        },
        "hostPath",
    ),
    Case(
        "a second container",
        "Flow",
        {
            **FLOW,
            "podTemplate": {"spec": {"containers": [{"name": "sidecar"}]}},
        },
        "name",
    ),
    Case(
        "a variable with two sources",
        "Flow",
        {
            **FLOW,
            "podTemplate": _container(env=[{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]),
        },
        "give either value or valueFrom",
    ),
    Case(
        "a volume without a source",
        "Flow",
        {
            **FLOW,
            "podTemplate": {"spec": {"volumes": [{"name": "empty"}]}},
        },
        "give exactly one of",
    ),
    Case(
        "root as the user",
        "Flow",
        {
            **FLOW,
            "podTemplate": {"spec": {"securityContext": {"runAsUser": 0}}},
        },
        "runAsUser",
    ),
    Case("no flow", "Deployment", {}, "flow"),
    Case("a schedule with nothing", "Deployment", {**DEPLOYMENT, "schedules": [{"name": "x"}]}, "give exactly one of"),
    Case(
        "a schedule with two rules",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [{"name": "x", "cron": "@daily", "interval": "1h"}],
        },
        "give exactly one of",
    ),
    Case(
        "an anchor without an interval",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [{"name": "x", "cron": "@daily", "anchor": "2026-01-01T00:00:00Z"}],
        },
        "anchor belongs to interval",
    ),
    Case("a schedule without a name", "Deployment", {**DEPLOYMENT, "schedules": [{"cron": "@daily"}]}, "name"),
    Case(
        "two schedules of one name",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [{"name": "x", "cron": "@daily"}, {"name": "x", "cron": "@hourly"}],
        },
        "schedules",
    ),
    Case(
        "an interval that is no duration",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [{"name": "x", "interval": "soon"}],
        },
        "interval",
    ),
    Case(
        "what to make up for, misspelt",
        "Deployment",
        {
            **DEPLOYMENT,
            "schedules": [{"name": "x", "cron": "@daily", "missedRuns": "Some"}],
        },
        "missedRuns",
    ),
    Case("a limit of none", "Deployment", {**DEPLOYMENT, "concurrency": {"limit": 0}}, "limit"),
    Case("a timeout of none", "Deployment", {**DEPLOYMENT, "timeoutSeconds": 0}, "timeoutSeconds"),
    Case("negative retries", "Deployment", {**DEPLOYMENT, "infraRetries": -1}, "infraRetries"),
    Case("an unknown launcher", "WorkQueue", {"launcher": "Pod"}, "launcher"),
    Case("a block without a type", "Block", {"config": {}}, "type"),
    Case(
        "a secret without its key",
        "Block",
        {
            "type": "github",
            "secretRefs": [{"field": "token", "secret": "github"}],
        },
        "key",
    ),
    Case("a run of nothing", "FlowRun", {}, "deployment"),
    Case("a run at no time", "FlowRun", {**FLOW_RUN, "scheduledTime": "tomorrow"}, "scheduledTime"),
    Case("a notification of nothing", "Notification", {"states": [], "channels": ["slack-webhook/team"]}, "states"),
    Case("a notification to nobody", "Notification", {"states": ["FAILED"]}, "channels"),
    Case("an automation of nothing", "Automation", {"actions": [{"cancelRun": {}}]}, "trigger"),
    Case(
        "an automation that does nothing", "Automation", {"trigger": {"states": ["FAILED"]}, "actions": []}, "actions"
    ),
    Case(
        "an action of two kinds",
        "Automation",
        {"trigger": {"states": ["FAILED"]}, "actions": [{"cancelRun": {}, "pauseDeployment": {}}]},
        "give exactly one of",
    ),
    Case(
        "an expected state without a time",
        "Automation",
        {"trigger": {"states": ["RUNNING"], "expect": ["COMPLETED"]}, "actions": [{"cancelRun": {}}]},
        "give expect and within together",
    ),
    Case("a limit below zero", "ConcurrencyLimit", {"tag": "db", "limit": -1}, "limit"),
    Case("a limit without a tag", "ConcurrencyLimit", {"limit": 1}, "tag"),
)
