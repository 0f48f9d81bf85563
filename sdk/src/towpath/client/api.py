"""Asks the API: a small typed client over the paths of docs/design/run-protocol.md. Called by the runner, the agent and `asking`.

Synchronous. Every answer is a model of the contract; every failure an ApiError of `towpath.errors`. Retries nothing: its
callers know how long they can wait. Loads pydantic, so whoever only tells events never imports this.
"""

from towpath.client.connection import PAGE_SIZE, iterate
from towpath.client.declared_calls import DeclaredCalls
from towpath.client.run_calls import RunCalls
from towpath.contract.sessions import SessionRead

__all__ = ["PAGE_SIZE", "ApiClient", "iterate"]


class ApiClient(DeclaredCalls, RunCalls):
    """A client of the API. A context manager; close it when done."""

    def get_session(self) -> SessionRead:
        """Who this client is to the API, and what it may do."""
        return self.ask("GET", "/session", SessionRead)
