"""What a message says: its facts, and the sentence that goes out where no template is given. Pure."""

from dataclasses import dataclass
from typing import Any, Final

Facts = dict[str, Any]
"""JSON: `event`, `namespace`, `notification` (id, name), `flow_run` (id, name, flow, deployment, tags, url, ...), `state` (id, type,
name, message, time)."""

EXAMPLE: Final[Facts] = {
    "event": "test",
    "namespace": "default",
    "notification": {"id": "00000000-0000-0000-0000-000000000000", "name": "test"},
    "flow_run": {
        "id": "00000000-0000-0000-0000-000000000000",
        "name": "test-message",
        "flow": "any-flow",
        "deployment": None,
        "tags": [],
        "attempt": 1,
        "url": None,
    },
    "state": {
        "id": "00000000-0000-0000-0000-000000000000",
        "type": "FAILED",
        "name": "Failed",
        "message": "This is a test: no run has entered this state.",
        "time": "2026-01-01T00:00:00+00:00",
    },
}
"""Facts of no run: templates are tried on them, and test messages say them."""

MAX_TITLE: Final = 250
MAX_BODY: Final = 10_000


@dataclass(frozen=True)
class Message:
    """One message to one channel.

    Attributes:
        id: of the delivery; the same however often it is sent, so that a receiver can tell a repetition.
        title, body: for people.
        facts: for programs.
    """

    id: str
    title: str
    body: str
    facts: Facts


def default_title(facts: Facts) -> str:
    """The subject."""
    run, state = facts["flow_run"], facts["state"]
    return f"{run['flow']}/{run['name']}: {state['name']}"[:MAX_TITLE]


def default_body(facts: Facts) -> str:
    """The text where no template is given."""
    run, state = facts["flow_run"], facts["state"]
    lines = [f"Flow run {run['flow']}/{run['name']} entered state `{state['name']}` at {state['time']}."]
    lines.append(f"Namespace: {facts['namespace']}")
    if run.get("deployment"):
        lines.append(f"Deployment: {run['deployment']}")
    if run.get("tags"):
        lines.append(f"Tags: {', '.join(run['tags'])}")
    lines.append(f"Flow run: {run['id']}")
    if run.get("url"):
        lines.append(run["url"])
    if state.get("message"):
        lines.append(f"State message: {state['message']}")
    return "\n".join(lines)[:MAX_BODY]


def template_names(facts: Facts) -> dict[str, Any]:
    """What a template may name: the facts, and the flat names that people know from elsewhere."""
    run, state = facts["flow_run"], facts["state"]
    return {
        **facts,
        "flow_name": run["flow"],
        "flow_run_id": run["id"],
        "flow_run_name": run["name"],
        "flow_run_url": run.get("url") or "",
        "flow_run_state_name": state["name"],
        "flow_run_state_type": state["type"],
        "flow_run_state_message": state.get("message") or "",
        "flow_run_state_timestamp": state["time"],
        "flow_run_deployment_name": run.get("deployment") or "",
    }
