"""Serves the operator's /healthz and /metrics. Started by wiring.operator; says nothing of anyone's runs."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.metrics import OperatorMetrics


async def start_http(host: str, port: int, heartbeats: Heartbeats, metrics: OperatorMetrics) -> web.AppRunner:
    """Serve until the runner that is returned is cleaned up."""

    async def healthz(_: web.Request) -> web.Response:
        problems = heartbeats.problems()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", show_metrics)])
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
