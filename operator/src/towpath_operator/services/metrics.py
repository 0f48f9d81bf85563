"""The API's metrics, in a registry of their own. Filled by commits, ingest, claims and requests; rendered by `/metrics`.

Labels are bounded: flows and queues, never runs. Beyond MAX_FLOWS flow names the rest count as `other`. Depths of queues are read
from the database when they are asked for.
"""

from collections import Counter as CountOf
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from towpath.contract.ids import now_us
from towpath.contract.states import RunKind
from towpath_operator.domain.codes import TYPES
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.pages import PageRequest
from towpath_operator.domain.times import SECOND
from towpath_operator.services.declared_views import view_work_queues
from towpath_operator.store.declared import WORK_QUEUES
from towpath_operator.store.engine import Database
from towpath_operator.store.slots import count_slots
from towpath_operator.store.usage import find_size

MAX_FLOWS = 1_000
OTHER = "other"
MAX_QUEUES = 1_000
MAX_LIMITS = 1_000
_RUN_SECONDS = (0.1, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
_FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_CLAIM_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600)
_SIZES = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000)


class Metrics:
    """The metrics of one API process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._flows: set[str] = set()
        disable_created_metrics()  # a second series for each, which nobody asks for
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("towpath_build", "The version that runs.", registry=registry).info(
            {"version": version("towpath-operator")}
        )
        self._entered = {
            RunKind.FLOW_RUN: Counter(
                "towpath_flow_run_states", "States that flow runs entered.", ("flow", "state"), registry=registry
            ),
            RunKind.TASK_RUN: Counter(
                "towpath_task_run_states", "States that task runs entered.", ("flow", "state"), registry=registry
            ),
        }
        self._seconds = {
            RunKind.FLOW_RUN: Histogram(
                "towpath_flow_run_duration_seconds",
                "From a flow run's start to its end.",
                ("flow",),
                registry=registry,
                buckets=_RUN_SECONDS,
            ),
            RunKind.TASK_RUN: Histogram(
                "towpath_task_run_duration_seconds",
                "From a task run's start to its end.",
                ("flow",),
                registry=registry,
                buckets=_RUN_SECONDS,
            ),
        }
        self._deliveries = Counter(
            "towpath_notification_attempts",
            "Attempts to send messages of notifications, by how they went.",
            ("outcome",),
            registry=registry,
        )
        self._ingest_batches = Counter("towpath_ingest_batches", "Batches of events stored.", registry=registry)
        self._ingest_events = Counter("towpath_ingest_events", "New events stored.", registry=registry)
        self._ingest_refused = Counter("towpath_ingest_refused_events", "Events refused.", registry=registry)
        self._ingest_commit = Histogram(
            "towpath_ingest_commit_seconds", "A commit of batches.", registry=registry, buckets=_FAST_SECONDS
        )
        self._ingest_wait = Histogram(
            "towpath_ingest_wait_seconds",
            "How long a batch waited before its commit began.",
            registry=registry,
            buckets=_FAST_SECONDS,
        )
        self._ingest_group = Histogram(
            "towpath_ingest_commit_events", "New events in one commit.", registry=registry, buckets=_SIZES
        )
        self.ingest_queued = Gauge(
            "towpath_ingest_queued_batches", "Batches that wait to be stored.", registry=registry
        )
        self._claims = Counter("towpath_claims", "Runs handed to launchers.", registry=registry)
        self._claim_delay = Histogram(
            "towpath_claim_delay_seconds",
            "From when a run was due until it was claimed.",
            registry=registry,
            buckets=_CLAIM_SECONDS,
        )
        self._requests = Histogram(
            "towpath_http_request_duration_seconds",
            "Requests by operation and status.",
            ("operation", "status"),
            registry=registry,
            buckets=_FAST_SECONDS,
        )
        self._database_seconds = Histogram(
            "towpath_database_seconds",
            "Reads and writes of the database, and waits for a turn to write.",
            ("kind",),
            registry=registry,
            buckets=_FAST_SECONDS,
        )
        self._lag = Histogram(
            "towpath_event_loop_lag_seconds", "How late the event loop was.", registry=registry, buckets=_FAST_SECONDS
        )
        limit = ("namespace", "tag")
        self._slots = Gauge(
            "towpath_concurrency_slots_active", "Slots of limits that are held.", limit, registry=registry
        )
        self._slots_wanted = Gauge(
            "towpath_concurrency_slots_waiting", "Holders that wait for a slot of a limit.", limit, registry=registry
        )
        self._size = Gauge("towpath_database_size_bytes", "The database's size.", registry=registry)
        labels = ("namespace", "work_queue")
        self._queued = Gauge("towpath_work_queue_waiting_runs", "Due runs that wait.", labels, registry=registry)
        self._running = Gauge("towpath_work_queue_active_runs", "Runs with a pod.", labels, registry=registry)
        self._late = Gauge("towpath_work_queue_late_runs", "Runs that wait too long.", labels, registry=registry)
        self._oldest = Gauge(
            "towpath_work_queue_oldest_waiting_seconds", "How long the oldest waits.", labels, registry=registry
        )

    def note_delivery(self, *, sent: bool) -> None:
        """A message of a notification was sent, or an attempt to send it failed."""
        self._deliveries.labels("sent" if sent else "failed").inc()

    def note_entered(self, entered: Sequence[Entered]) -> None:
        """Counts changes of state."""
        if not entered:
            return
        for (kind, flow, code), number in CountOf((one.kind, one.flow, one.after) for one in entered).items():
            self._entered[kind].labels(self._flow(flow), TYPES[code].value).inc(number)
        taken: dict[tuple[RunKind, str], list[float]] = defaultdict(list)
        for one in entered:
            if one.seconds is not None:
                taken[one.kind, one.flow].append(one.seconds)
        for (kind, flow), all_seconds in taken.items():
            histogram = self._seconds[kind].labels(self._flow(flow))
            for seconds in all_seconds:
                histogram.observe(seconds)

    def note_ingest(self, batches: int, events: int, refused: int, seconds: float, waited: float) -> None:
        """Counts one commit of batches."""
        self._ingest_batches.inc(batches)
        self._ingest_events.inc(events)
        self._ingest_refused.inc(refused)
        self._ingest_commit.observe(seconds)
        self._ingest_wait.observe(waited)
        self._ingest_group.observe(events)

    def note_request(self, operation: str, status: int, seconds: float) -> None:
        """Counts one request of the API."""
        self._requests.labels(operation, str(status)).observe(seconds)

    def note_database(self, kind: str, seconds: float) -> None:
        """Counts a `read`, a `write`, or the wait for a `turn` to write."""
        self._database_seconds.labels(kind).observe(seconds)

    def note_lag(self, seconds: float) -> None:
        """Counts by how much the event loop was late."""
        self._lag.observe(seconds)

    def note_claims(self, delays: Sequence[float]) -> None:
        """Counts claims; each delay is in seconds."""
        self._claims.inc(len(delays))
        for delay in delays:
            self._claim_delay.observe(delay)

    def _flow(self, name: str) -> str:
        if name not in self._flows:
            if len(self._flows) >= MAX_FLOWS:
                return OTHER
            self._flows.add(name)
        return name

    async def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        async with self._database.read() as reader:
            rows, _ = await WORK_QUEUES.list(reader, None, None, PageRequest(MAX_QUEUES))
            queues = await view_work_queues(reader, rows[:MAX_QUEUES])
            self._size.set(await find_size(reader))
            held = await count_slots(reader, now_us())
        now = now_us() / SECOND
        self._slots.clear()
        self._slots_wanted.clear()
        for (namespace, tag), (active, waiting) in list(held.items())[:MAX_LIMITS]:
            self._slots.labels(namespace, tag).set(active)
            self._slots_wanted.labels(namespace, tag).set(waiting)
        for gauge in (self._queued, self._running, self._late, self._oldest):
            gauge.clear()
        for queue in queues:
            labels = (queue.namespace, queue.name)
            self._queued.labels(*labels).set(queue.queued)
            self._running.labels(*labels).set(queue.running)
            self._late.labels(*labels).set(queue.late)
            waiting = now - queue.oldest_waiting.timestamp() if queue.oldest_waiting else 0
            self._oldest.labels(*labels).set(max(0, waiting))
        return generate_latest(self.registry)
