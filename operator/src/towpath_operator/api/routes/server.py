"""Open routes: health, version, and a page that says the API is up."""

import logging
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from towpath.contract.events import SCHEMA
from towpath.contract.overviews import ServerRead
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.openapi import describe
from towpath_operator.api.queries import Namespaces
from towpath_operator.domain.access import OPEN, needs
from towpath_operator.domain.refusals import StoreUnavailable

logger = logging.getLogger(__name__)
router = APIRouter(tags=["server"], route_class=GuardedRoute)
pages = APIRouter(route_class=GuardedRoute)
metrics = APIRouter(route_class=GuardedRoute)


class Health(BaseModel):
    """Whether the API can serve."""

    status: str


class Version(BaseModel):
    """What runs here. `event_schema` is the newest schema of run events that it reads."""

    version: str
    event_schema: int


@router.get("/health", operation_id="get_health")
@guarded(OPEN)
async def get_health(hub: TheHub) -> Health:
    """Answers 200 when the database answers, else 503."""
    try:
        await hub.check_health()
    except StoreUnavailable as error:
        # Anybody may ask this, and a driver's words may name hosts and users.
        logger.warning("The API is not healthy: %s", error.detail)
        raise StoreUnavailable("The database does not answer: the server's log says why.") from error
    return Health(status="ok")


@router.get("/version", operation_id="get_version")
@guarded(OPEN)
async def get_version() -> Version:
    """Shows the server's version."""
    return Version(version=version("towpath-operator"), event_schema=SCHEMA)


@router.get("/server", operation_id="get_server")
@guarded(needs("list", "flowruns"))
async def get_server(hub: TheHub, caller: TheCaller, namespace: Namespaces = None) -> ServerRead:
    """Shows the server's version, database and settings, to whoever may list runs (in one of these namespaces)."""
    await caller.check_all(namespace)
    return await hub.about.read()


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Towpath</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}</style>
</head><body><h1>Towpath</h1><p>The API is up. It answers below <code>/api</code>; its routes are described by
its <a href="/api/openapi.json">OpenAPI document</a>.</p>
<p>Point your flows at it with <code>towpath config set TOWPATH_API_URL=&lt;this address&gt;/api</code>.</p>
<p>Its pages are not built here: in a checkout, <code>make ui</code> builds them.</p></body></html>
"""


@router.get("/openapi.json", include_in_schema=False)
@guarded(OPEN)
async def get_openapi(request: Request) -> JSONResponse:
    """Describes the API."""
    return JSONResponse(describe(request.app))


@metrics.get("/metrics", include_in_schema=False)
@guarded(OPEN)
async def get_metrics(hub: TheHub) -> Response:
    """Shows the metrics in Prometheus' text format."""
    return Response(await hub.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@pages.get("/", include_in_schema=False)
@guarded(OPEN)
async def get_page() -> HTMLResponse:
    """Says that the API is up and how its pages are built; where they are, they answer before this does."""
    return HTMLResponse(_PAGE)
