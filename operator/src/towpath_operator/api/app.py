"""Builds the API's ASGI app. Called by wiring for a server, by tests, and for the OpenAPI document."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from towpath.contract.problems import Problem
from towpath_operator.api.access import Gate
from towpath_operator.api.openapi import complete
from towpath_operator.api.problems import add_problem_handlers
from towpath_operator.api.routes import attempts, declared, flow_runs, server, task_runs
from towpath_operator.services.hub import Hub

ROUTERS: tuple[APIRouter, ...] = (
    server.router,
    attempts.router,
    *declared.ROUTERS,
    flow_runs.router,
    task_runs.router,
)
"""Claims come before the queues' own routes, whose `/{id}` would take their path."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request was refused; `code` says why."},
    "5XX": {"model": Problem, "description": "The server could not do it."},
}


def create_app(hub: Hub | None, gate: Gate | None) -> FastAPI:
    """The app. Its lifespan starts the hub and closes it; without a hub it only describes itself."""

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
        openapi_url="/api/openapi.json",
        redoc_url=None,
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
    add_problem_handlers(app)
    return app


def build_openapi() -> dict[str, Any]:
    """The API's OpenAPI document, the same for the same code. Needs no database."""
    return complete(create_app(None, None).openapi())
