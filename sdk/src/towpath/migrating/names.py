"""Which of Prefect 2's modules and names are here, and under which name. Pure, but for looking at Towpath's own modules.

Called by `code`. What exists is read from Towpath's source, not from a list that could go out of date; extras need not be
installed for it.
"""

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

MODULES: Final = {
    "prefect": "towpath",
    "prefect.orion.schemas.schedules": "towpath.schedules",
    "prefect.server.schemas.schedules": "towpath.schedules",
    "prefect.client.schemas.schedules": "towpath.schedules",
    "prefect.orion.schemas.states": "towpath.states",
    "prefect.server.schemas.states": "towpath.states",
    "prefect.client.schemas.objects": "towpath.states",
    "prefect.deployments.deployments": "towpath.deployments",
    "prefect.deployments.base": "towpath.deployments",
    "prefect.infrastructure.process": "towpath.infrastructure",
    "prefect.infrastructure.kubernetes": "towpath.infrastructure",
    "prefect.utilities.annotations": "towpath.annotations",
    "prefect_gcp": "towpath.contrib.gcp",
    "prefect_gcp.cloud_storage": "towpath.contrib.gcp",
    "prefect_gcp.credentials": "towpath.contrib.gcp",
    "prefect_aws": "towpath.contrib.aws",
    "prefect_aws.s3": "towpath.contrib.aws",
    "prefect_aws.credentials": "towpath.contrib.aws",
    "prefect_sqlalchemy": "towpath.contrib.sqlalchemy",
    "prefect_sqlalchemy.database": "towpath.contrib.sqlalchemy",
    "prefect_sqlalchemy.credentials": "towpath.contrib.sqlalchemy",
    "prefect_github": "towpath.filesystems",
    "prefect_github.repository": "towpath.filesystems",
    "prefect_dask": "towpath.dask",
    "prefect_dask.task_runners": "towpath.dask",
    "prefect_ray": "towpath.ray",
    "prefect_ray.task_runners": "towpath.ray",
}
"""Modules that have another name here. Any other `prefect.x` is looked for as `towpath.x`."""

INTERNAL: Final = (
    "prefect.agent",
    "prefect.cli",
    "prefect.client",
    "prefect.engine",
    "prefect.runner",
    "prefect.settings",
)
"""Modules whose namesakes here are something else, or nobody's to import."""

NAMES: Final = {
    ("prefect_github", "GitHubRepository"): "GitHub",
    ("prefect_github.repository", "GitHubRepository"): "GitHub",
}
"""Names that are called otherwise here."""

EXTRAS: Final = {
    "towpath.contrib.gcp": "gcp",
    "towpath.contrib.aws": "aws",
    "towpath.contrib.sqlalchemy": "sqlalchemy",
    "towpath.dask": "dask",
    "towpath.ray": "ray",
}
"""What to install for a module."""

ADVICE: Final = {
    "prefect.agent": "agents are started with `towpath agent start`",
    "prefect.client": "ask the API over HTTP, as docs/reference/openapi.json says, or by `towpath ... -o json`",
    "prefect.orion": "the server's modules are not for flows: ask the API over HTTP",
    "prefect.server": "the server's modules are not for flows: ask the API over HTTP",
    "prefect.engine": "the engine's modules are not for flows",
    "prefect.events": "events are not there; the API's notifications tell of states",
    "prefect.filesystems": "see towpath.filesystems for the storages that are there",
    "prefect.infrastructure": "where runs go is the work queue's and the deployment's podTemplate: see Process and KubernetesJob",
    "prefect.infrastructure.container": "containers are the cluster's: give the flow an image, and use KubernetesJob",
    "prefect.infrastructure.docker": "containers are the cluster's: give the flow an image, and use KubernetesJob",
    "prefect.packaging": "code comes from the image or from a storage block",
    "prefect.projects": "write a manifest: `towpath deployment build`",
    "prefect.runner": "there is no `serve`: apply a deployment and start `towpath agent start`",
    "prefect.variables": "there are no variables: use a block, as towpath.blocks.system.JSON, or the pod's environment",
    "prefect.workers": "there are no workers: the operator or `towpath agent start` launches runs",
    "prefect_shell": "use the standard library's subprocess",
    "prefect_email": "notifications are resources: see the Notification kind",
    "prefect_slack": "see towpath.blocks.notifications",
    "prefect_dbt": "call dbt by subprocess or by its Python API",
    "prefect_snowflake": "use towpath.contrib.sqlalchemy with Snowflake's SQLAlchemy dialect",
    "prefect_docker": "containers are the cluster's: give the flow an image",
    "prefect_kubernetes": "where runs go is the work queue's and the deployment's podTemplate",
}
"""What to do instead of what is not here, by the longest module name that fits."""


def is_prefects(module: str) -> bool:
    """Whether a module is Prefect's or one of its collections."""
    first = module.partition(".")[0]
    return first == "prefect" or first.startswith("prefect_")


def find_module(module: str) -> str | None:
    """Towpath's module for one of Prefect's; None when there is none."""
    named = MODULES.get(module)
    is_internal = any(module == internal or module.startswith(f"{internal}.") for internal in INTERNAL)
    if named is None and module.startswith("prefect.") and not is_internal:
        named = f"towpath.{module.removeprefix('prefect.')}"
    return named if named is not None and _find_source(named) is not None else None


def find_name(module: str, name: str) -> tuple[str, str] | None:
    """Where one of Prefect's names is here: module and name; None when it is not."""
    ours = find_module(module)
    if ours is not None:
        wanted = NAMES.get((module, name), name)
        if wanted in list_names(ours):
            return ours, wanted
    submodule = find_module(f"{module}.{name}")  # as in `from prefect import runtime`
    if submodule is not None and submodule.rpartition(".")[2] == name:
        return submodule.rpartition(".")[0], name
    return None


def find_advice(module: str) -> str:
    """What to do instead, as the end of a sentence; empty when nothing is known."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        advice = ADVICE.get(".".join(parts[:length]))
        if advice is not None:
            return f": {advice}"
    return ""


@cache
def list_names(module: str) -> frozenset[str]:
    """The public names that a module of Towpath's defines or imports at its top."""
    source = _find_source(module)
    if source is None:
        return frozenset()
    body = ast.parse(source.read_text(encoding="utf-8")).body
    if any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in body):
        body = [inner for node in body for inner in _seen_by_checkers(node)]  # what it gives when it is asked for
    names = {name for node in body for name in _bound(node)}
    return frozenset(name for name in names if not name.startswith("_"))


def _seen_by_checkers(node: ast.stmt) -> list[ast.stmt]:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
            return body
        case _:
            return [node]


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds."""
    match node:
        case ast.ImportFrom() | ast.Import():
            return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _find_source(module: str) -> Path | None:
    """The file of a module of Towpath's, found without importing it."""
    root = importlib.util.find_spec("towpath")
    if root is None or root.origin is None:
        return None
    place = Path(root.origin).parent.joinpath(*module.split(".")[1:])
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None
