"""What a transaction says happened to runs: read after its commit by metrics, within it by notifications."""

from typing import NamedTuple

from towpath.contract.states import RunKind


class Entered(NamedTuple):
    """A run entered a state.

    Attributes:
        flow: the flow's name; empty for a task run outside any flow.
        before, after: type codes of domain.codes; None before the first state.
        seconds: how long the run took, when it has ended and had started.
        state_id: the transition's, of flow runs.
    """

    kind: RunKind
    run_id: bytes
    flow: str
    before: int | None
    after: int
    seconds: float | None = None
    state_id: bytes | None = None
