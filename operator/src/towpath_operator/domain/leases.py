"""How long a claim's lease lasts, without comparing two machines' clocks. Pure; called by reconcilers.claims."""

from datetime import timedelta
from typing import Final

from towpath.contract.runs import ClaimedRun

_USUAL: Final = timedelta(seconds=30)


def measure_lease(claim: ClaimedRun) -> timedelta:
    """The time from the claim to its lease's end, both by the API's clock; never negative.

    The claimer counts it from when it got the claim, by a clock of its own that only goes forward.
    """
    claimed_at = next((a.claimed_at for a in claim.run.attempts if a.number == claim.attempt), None)
    return max(timedelta(0), claim.lease_expires - claimed_at) if claimed_at is not None else _USUAL
