"""The operator's own metrics, in a registry of their own. Counted by the reconcilers, shown by wiring.operator_http.

No run ids and no names of users' things as labels: their number has no bound.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

_LATENCY = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)


class OperatorMetrics:
    """All metrics of one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.queue_depth = Gauge(
            "towpath_operator_queue_depth", "Keys that wait to be reconciled.", registry=self.registry
        )
        self.queue_busy = Gauge(
            "towpath_operator_queue_busy_workers", "Workers that reconcile right now.", registry=self.registry
        )
        self.queue_workers = Gauge("towpath_operator_queue_workers", "Workers there are.", registry=self.registry)
        self.queue_wait = Histogram(
            "towpath_operator_queue_wait_seconds",
            "From a key's being due to its reconciling.",
            buckets=_LATENCY,
            registry=self.registry,
        )
        self.reconcile_time = Histogram(
            "towpath_operator_reconcile_seconds",
            "How long reconciling one key took.",
            buckets=_LATENCY,
            registry=self.registry,
        )
        self.reconcile_failures = Counter(
            "towpath_operator_reconcile_failures_total",
            "Reconcilings that failed and are repeated.",
            ["error"],
            registry=self.registry,
        )
        self.claims = Counter("towpath_operator_claims_total", "Runs claimed for launching.", registry=self.registry)
        self.jobs_created = Counter("towpath_operator_jobs_created_total", "Jobs made.", registry=self.registry)
        self.launch_time = Histogram(
            "towpath_operator_launch_seconds",
            "From a run's claim to its Job.",
            buckets=_LATENCY,
            registry=self.registry,
        )
        self.attempts_ended = Counter(
            "towpath_operator_attempts_ended_total",
            "Attempts reported ended, by outcome and reason.",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self.objects = Gauge(
            "towpath_operator_objects", "Objects that the operator watches, by kind.", ["kind"], registry=self.registry
        )
        self.watch_events = Counter(
            "towpath_operator_watch_events_total", "Changes seen by watching.", ["kind"], registry=self.registry
        )
        self.watch_drift = Counter(
            "towpath_operator_watch_drift_total",
            "Changes that watching missed and comparing with the API server found.",
            ["kind"],
            registry=self.registry,
        )
        self.api_up = Gauge(
            "towpath_operator_api_up",
            "Whether the last waiting request to the API was answered.",
            registry=self.registry,
        )
