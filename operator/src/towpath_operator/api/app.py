"""Builds the API's ASGI app. Called by wiring for a server, by tests, and for the OpenAPI document."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from towpath.contract.problems import Problem
from towpath_operator.api.access import Gate
from towpath_operator.api.body_limit import BodyLimit
from towpath_operator.api.openapi import describe
from towpath_operator.api.problems import add_problem_handlers
from towpath_operator.api.routes import (
    artifacts,
    attempts,
    automations,
    blocks,
    declared,
    events,
    flow_runs,
    kubernetes,
    notifications,
    overviews,
    results,
    run_control,
    server,
    session,
    slots,
    task_runs,
)
from towpath_operator.api.ui_files import UiFiles
from towpath_operator.services.hub import Hub

ROUTERS: tuple[APIRouter, ...] = (
    server.router,
    session.router,
    attempts.router,
    events.router,
    slots.router,
    slots.limits,
    blocks.router,
    blocks.types_router,
    *declared.ROUTERS,
    automations.router,
    notifications.router,
    overviews.router,
    flow_runs.router,
    kubernetes.router,
    run_control.router,
    task_runs.router,
    artifacts.router,
    results.router,
)
"""Claims come before the queues' own routes, and overviews before the runs': their `/{id}` would take the others' paths."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request was refused; `code` says why."},
    "5XX": {"model": Problem, "description": "The server could not do it."},
}


def create_app(hub: Hub | None, gate: Gate | None, *, with_metrics: bool = True) -> FastAPI:
    """The app.

    Args:
        hub: the services, which its lifespan starts and closes; without them the app only describes itself.
        gate: who may enter.
        with_metrics: whether `/metrics` is served beside the API.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        if hub is not None:
            hub.start()
        try:
            yield
        finally:
            if hub is not None:
                await hub.close()

    app = FastAPI(
        title="Towpath",
        description="States, logs, schedules and queues of Python flows.",
        version=version("towpath-operator"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=_PROBLEMS,
        separate_input_output_schemas=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.hub = hub
    app.state.gate = gate
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    app.include_router(server.pages)
    if with_metrics:
        app.include_router(server.metrics)
    add_problem_handlers(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(UiFiles)
    return app


def create_metrics_app(hub: Hub) -> FastAPI:
    """The app that serves metrics only, on a port of its own."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.hub = hub
    app.include_router(server.metrics)
    return app


def build_openapi() -> dict[str, Any]:
    """The API's OpenAPI document, the same for the same code. Needs no database."""
    return describe(create_app(None, None))
