"""The main of the API's pod: the API on one port behind Kubernetes' reviews, its metrics on another."""

import asyncio
import contextlib
import logging
from collections.abc import Generator

import uvicorn

from towpath_operator.api.app import create_metrics_app
from towpath_operator.api.cluster_gate import ClusterGate
from towpath_operator.api.proxies import TrustedProxies
from towpath_operator.domain.refusals import Refusal
from towpath_operator.kube.blocks import KubeBlocks
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.declared import KubeDeclared
from towpath_operator.kube.reviews import KubeReviewer
from towpath_operator.kube.run_objects import KubeRunObjects
from towpath_operator.kube.secrets import KubeSecrets
from towpath_operator.notifications.addresses import parse_networks
from towpath_operator.services.hub import Hub
from towpath_operator.services.reviews import Reviews
from towpath_operator.wiring.api import bind, open_database, serve
from towpath_operator.wiring.outgoing import build_outgoing
from towpath_operator.wiring.settings import ServerSettings

EVERYWHERE = "0.0.0.0"  # noqa: S104 a pod is reached by its own address only
METRICS_PORT = 9090


class _MetricsServer(uvicorn.Server):
    """Serves metrics until it is cancelled; the API's server handles the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handles none."""
        yield


def build_gate(settings: ServerSettings, reviews: Reviews) -> ClusterGate:
    """The gate that the settings ask for."""
    peers = parse_networks(settings.trusted_proxies)
    proxies = TrustedProxies(peers, settings.proxy_user_header, settings.proxy_groups_header)
    return ClusterGate(reviews, proxies, settings.public_url)


async def run(settings: ServerSettings) -> None:
    """Serves until a signal comes.

    Raises:
        SystemExit: with one sentence, when the database is away or its schema is not this version's.
    """
    try:
        database = await open_database(settings)
    except (OSError, RuntimeError, Refusal) as error:
        raise SystemExit(f"The API cannot start: {error}") from error
    kube = await KubeClient.connect()
    namespaces = frozenset(name.strip() for name in settings.notify_secret_namespaces.split(",") if name.strip())
    outgoing = build_outgoing(settings, KubeSecrets(kube, namespaces))
    hub = Hub(
        database,
        block_resources=KubeBlocks(kube),
        declared_resources=KubeDeclared(kube),
        run_objects=KubeRunObjects(kube),
        outgoing=outgoing,
    )
    listener, metrics_listener = (
        bind(settings.host, settings.port),
        bind(settings.host, settings.metrics_port or METRICS_PORT),
    )
    config = uvicorn.Config(create_metrics_app(hub), log_config=None, access_log=False, lifespan="off")
    metrics = asyncio.create_task(_MetricsServer(config).serve(sockets=[metrics_listener]))
    try:
        gate = build_gate(
            settings,
            Reviews(KubeReviewer(kube), hub.database, takes_api_server_tokens=settings.accept_api_server_tokens),
        )
        await serve(settings, gate, hub, listener, with_metrics=False)
    finally:
        metrics.cancel()
        await asyncio.gather(metrics, return_exceptions=True)
        listener.close()
        metrics_listener.close()
        await kube.close()


def main() -> None:
    """Runs the API's pod. Listens on every address of the pod unless told otherwise."""
    settings = ServerSettings()
    if "host" not in settings.model_fields_set:
        settings = settings.model_copy(update={"host": EVERYWHERE})
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    asyncio.run(run(settings))
