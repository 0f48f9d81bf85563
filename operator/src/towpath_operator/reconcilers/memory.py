"""What the FlowRun reconciler knows besides the watches: runs as the API told of them, claims to launch, what was looked up.

Filled by the claim and change loops and by the reconciler; read when a key is observed. All of it can be lost: it is asked for
again, and a lost claim is claimed again when its lease ends. Entries go with their FlowRun, or when it has ended.
"""

from dataclasses import dataclass, field
from uuid import UUID

from towpath.contract.runs import ClaimedRun, FlowRunRead
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pods import Waiting


@dataclass(slots=True)
class RunMemory:
    """What is known of one run.

    Attributes:
        run: the run with the highest revision seen.
        claim: an attempt to launch.
        doubted: whether `run` may be older than what the change loop hears of: it is asked for again.
        claim_until: when the claim's lease ends, by the event loop's clock.
        gone_jobs: attempts whose Job the API server says is gone.
        hints: what the cluster's Events say of a Job or pod that does not start, by its uid.
        patched_at: when its status was last written, by the event loop's clock.
    """

    run: FlowRunRead | None = None
    claim: ClaimedRun | None = None
    doubted: bool = False
    claim_until: float = float("-inf")
    gone_jobs: set[int] = field(default_factory=set[int])
    hints: dict[str, Waiting] = field(default_factory=dict[str, Waiting])
    patched_at: float = float("-inf")


class Memory:
    """All runs that something is known of."""

    def __init__(self) -> None:
        self._runs: dict[RunKey, RunMemory] = {}
        self._claims = 0

    @property
    def claims(self) -> int:
        """How many claims wait to be launched."""
        return self._claims

    def at(self, key: RunKey) -> RunMemory:
        """What is known of `key`, kept from now on."""
        return self._runs.setdefault(key, RunMemory())

    def find(self, key: RunKey) -> RunMemory | None:
        """What is known of `key`."""
        return self._runs.get(key)

    def find_run(self, key: RunKey, run_id: UUID) -> FlowRunRead | None:
        """The run, if it is known and is that of `key`."""
        known = self._runs.get(key)
        return known.run if known is not None and known.run is not None and known.run.id == run_id else None

    def put_run(self, key: RunKey, run: FlowRunRead) -> FlowRunRead:
        """Keep what the API told of a run, unless something later is known. Returns what is known now."""
        known = self.at(key)
        if known.run is None or known.run.id != run.id or known.run.revision <= run.revision:
            known.run = run
        return known.run

    def doubt(self, key: RunKey) -> None:
        """Have the run asked for again when `key` is observed next, also if an answer about it is still under way."""
        known = self._runs.get(key)
        if known is not None:
            known.doubted = True

    def settle_doubt(self, key: RunKey) -> None:
        """Drop the run if it is doubted. Called before `key` is observed, when no call about it is under way."""
        known = self._runs.get(key)
        if known is not None and known.doubted:
            known.run, known.doubted = None, False

    def put_claim(self, key: RunKey, claim: ClaimedRun, until: float) -> None:
        """Keep a claim until it is launched, or until its lease ends by the event loop's clock."""
        known = self.at(key)
        self._claims += known.claim is None
        known.claim, known.claim_until = claim, until
        self.put_run(key, claim.run)

    def drop_claim(self, key: RunKey) -> None:
        """A claim is launched, or is not to be."""
        known = self._runs.get(key)
        if known is not None and known.claim is not None:
            known.claim = None
            self._claims -= 1

    def forget_run(self, key: RunKey, seen: FlowRunRead | None) -> None:
        """Drop all that is known of a run that has ended, unless something else than `seen` was heard of it since."""
        known = self._runs.get(key)
        if known is not None and known.claim is None and known.run is seen:
            del self._runs[key]

    def forget(self, key: RunKey) -> None:
        """Drop all that is known of `key`."""
        self.drop_claim(key)
        self._runs.pop(key, None)
