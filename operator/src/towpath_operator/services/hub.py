"""All services of one API process, made from its database. Routes and loops get this."""

import asyncio
from collections.abc import Iterable, Sequence

from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.services import nouns
from towpath_operator.services.about import About
from towpath_operator.services.actions import Actions
from towpath_operator.services.artifacts import Artifacts
from towpath_operator.services.attempts import Attempts
from towpath_operator.services.automating import Automating
from towpath_operator.services.backfills import Backfills
from towpath_operator.services.block_rights import BlockWriter
from towpath_operator.services.block_types import BlockTypes
from towpath_operator.services.bulk import Bulk
from towpath_operator.services.channels import Channels, NoSecrets, Outgoing
from towpath_operator.services.claims import ClaimService
from towpath_operator.services.cluster_blocks import BlockResources, ClusterBlocks
from towpath_operator.services.flow_runs import FlowRuns
from towpath_operator.services.ingest import Ingest
from towpath_operator.services.kubernetes import Kubernetes, RunObjects
from towpath_operator.services.lag import watch_lag
from towpath_operator.services.live import Live
from towpath_operator.services.local_blocks import LocalBlocks
from towpath_operator.services.metrics import Metrics
from towpath_operator.services.notifying import Notifying
from towpath_operator.services.overviews import Overviews
from towpath_operator.services.resource_writing import (
    ClusterWriter,
    DeclaredResources,
    DeclaredWriter,
    LocalWriter,
)
from towpath_operator.services.results import Results
from towpath_operator.services.run_control import RunControl
from towpath_operator.services.scheduling import Scheduling
from towpath_operator.services.signals import Signals
from towpath_operator.services.slots import Slots
from towpath_operator.services.task_runs import TaskRuns
from towpath_operator.store.engine import Database
from towpath_operator.store.listener import Listener
from towpath_operator.store.namespaces import list_namespaces
from towpath_operator.store.revisions import get_revision
from towpath_operator.store.secret_files import SecretFiles

MOST_NAMESPACES = 1_000


class Hub:
    """The services.

    Args:
        default_queue: the spec of queues that nobody declared.
        secrets: where local mode keeps the secrets of blocks; None for nowhere.
        tells_secrets: whether those are told to callers, all of whom must then have sent a token.
        block_resources: writes blocks in a cluster; None in local mode.
        declared_resources: writes what else is declared in a cluster; None in local mode.
        run_objects: reads what Kubernetes has of runs; None in local mode.
        outgoing: how messages of notifications leave; without it to public addresses, and without secrets.
    """

    def __init__(
        self,
        database: Database,
        default_queue: WorkQueueSpec | None = None,
        *,
        secrets: SecretFiles | None = None,
        tells_secrets: bool = False,
        block_resources: BlockResources | None = None,
        declared_resources: DeclaredResources | None = None,
        run_objects: RunObjects | None = None,
        outgoing: Outgoing | None = None,
    ) -> None:
        self.database = database
        self.signals = Signals()
        self._listener: Listener | None = None
        self.live = Live(database)
        self.signals.on_close.append(self.live.close_followers)
        database.on_commit.append(lambda transaction: self._hear(transaction.topics, transaction.hints))
        queue = default_queue or WorkQueueSpec()
        self.metrics = Metrics(database)
        database.on_commit.append(lambda transaction: self.metrics.note_entered(transaction.entered))
        database.on_timed = self.metrics.note_database
        self._lag: asyncio.Task[None] | None = None
        self.ingest = Ingest(database, self.metrics)
        self.flow_runs = FlowRuns(database, self.signals)
        self.kubernetes = Kubernetes(run_objects)
        self.task_runs = TaskRuns(database)
        self.artifacts = Artifacts(database)
        self.results = Results(database)
        self.about = About(database)
        self.backfills = Backfills(database)
        self.bulk = Bulk(database)
        self.overviews = Overviews(database)
        self.attempts = Attempts(database)
        self.scheduling = Scheduling(database)
        self.slots = Slots(database, self.signals)
        self.run_control = RunControl(database, self.signals)
        self.claims = ClaimService(database, self.signals, self.metrics)
        self.flows = nouns.make_flows(database)
        self.deployments = nouns.make_deployments(database, queue)
        self.work_queues = nouns.make_work_queues(database, queue)
        self.block_types = BlockTypes(database)
        self.blocks = nouns.make_blocks(database, self.block_types)
        self.notifications = nouns.make_notifications(database)
        self.automations = nouns.make_automations(database)
        self.concurrency_limits = nouns.make_concurrency_limits(database)
        self.block_writer: BlockWriter = (
            ClusterBlocks(self.blocks, self.block_types.check, block_resources)
            if block_resources is not None
            else LocalBlocks(database, self.blocks, self.block_types.check, secrets, tells_secrets=tells_secrets)
        )
        self.declared_writer: DeclaredWriter = (
            ClusterWriter(declared_resources) if declared_resources is not None else LocalWriter()
        )
        outgoing = outgoing or Outgoing(NoSecrets(), AddressPolicy())
        self.notifying = Notifying(database, Channels(database, outgoing), self.metrics, outgoing.public_url)
        database.before_commit.append(self.notifying.enqueue)
        actions = Actions(database, self.flow_runs, self.work_queues, self.deployments, self.declared_writer)
        self.automating = Automating(database, actions, outgoing.public_url)
        database.before_commit.append(self.automating.enqueue)

    def start(self) -> None:
        """Starts what runs beside requests."""
        self.ingest.start()
        self.live.start()
        self._lag = asyncio.create_task(watch_lag(self.metrics.note_lag), name="loop-lag")
        if not self.database.is_sqlite:
            self._listener = Listener(self.database.url, self._hear)
            self._listener.start()

    def _hear(self, topics: Iterable[str], hints: Iterable[str]) -> None:
        """Something was committed, here or by another replica."""
        self.signals.wake(topics)
        self.live.hear(topics, hints)

    async def list_namespaces(self) -> Sequence[str]:
        """The namespaces that hold anything, by name, at most MOST_NAMESPACES."""
        async with self.database.read() as reader:
            return await list_namespaces(reader, MOST_NAMESPACES)

    async def check_health(self) -> None:
        """Asks the database for an answer.

        Raises:
            StoreUnavailable: when it gives none.
        """
        async with self.database.read() as reader:
            await get_revision(reader)

    async def close(self) -> None:
        """Answers waiting requests, writes what is queued, closes the database."""
        if self._lag is not None:
            self._lag.cancel()
            await asyncio.gather(self._lag, return_exceptions=True)
        self.signals.close()
        await self.live.close()
        await self.ingest.close()
        if self._listener is not None:
            await self._listener.close()
        await self.database.close()
