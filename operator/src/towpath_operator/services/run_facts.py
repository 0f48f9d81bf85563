"""What messages and actions say of a run's state, as it was when the state was entered. Used by notifying and automating."""

from typing import Any

from towpath_operator.domain.codes import TYPES, shown_name
from towpath_operator.domain.times import from_micros
from towpath_operator.notifications.messages import Facts
from towpath_operator.store.types import Row


def build_facts(owner: dict[str, Any], run: Row, state: Row, public_url: str | None) -> Facts:
    """The facts.

    Args:
        owner: who tells, by its kind: `notification` or `automation`, with id and name.
        run: the run's row, with the names of what it belongs to.
        state: the state's row.
        public_url: where people reach the pages; None for no link.
    """
    deployment = run["deployment_name"]
    return {
        "event": "flow-run-state",
        "namespace": run["namespace"],
        **owner,
        "flow_run": {
            "id": str(run["id"]),
            "name": run["name"],
            "flow": run["flow_name"],
            "deployment": None if deployment is None else f"{run['flow_name']}/{deployment}",
            "work_queue": run["work_queue_name"],
            "tags": list(run["tags"] or ()),
            "attempt": run["attempt"],
            "url": None if public_url is None else f"{public_url}/flow-runs/{run['id']}",
        },
        "state": {
            "id": str(state["id"]),
            "type": TYPES[state["type"]].value,
            "name": shown_name(state["type"], state["name"]),
            "message": state["message"],
            "time": from_micros(state["time"]).isoformat(timespec="seconds"),
        },
    }
