"""`towpath deployment apply` and `delete`: what manifests declare goes to the API, and leaves it. Commands of `deployments`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towpath.cli.asking import get_deployment, open_api
from towpath.cli.output import Format, Namespace, Output, print_json
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import ApiError, DeploymentError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import DeclaredRead
    from towpath.deployments.manifests import Manifest

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Manifests, as `deployment build` writes them.")]
Name = Annotated[str, typer.Argument(help="The deployment, as flow/deployment.")]


Upload = Annotated[
    bool,
    typer.Option("--upload", help="First upload the current folder's code to the storages that the manifests name."),
]
QueueLimit = Annotated[
    int | None, typer.Option("-l", "--work-queue-limit", min=0, help="How many runs of their work queues run at once.")
]


def apply(
    files: Files,
    upload: Upload = False,
    limit: QueueLimit = None,
    namespace: Namespace = LOCAL_NAMESPACE,
    output: Output = Format.TABLE,
) -> None:
    """Tell the API what manifests declare. Applied again, they replace. Nothing is applied unless all can be read."""
    from towpath.contract.declared import DeploymentRead  # noqa: PLC0415 - see asking.open_api
    from towpath.deployments.applying import apply_manifest  # noqa: PLC0415
    from towpath.deployments.manifests import read_manifests  # noqa: PLC0415

    manifests = read_manifests(files)
    if upload:
        _upload(manifests, namespace, quiet=output is Format.JSON)
    applied: list[DeclaredRead] = []
    with open_api() as client:
        for manifest in manifests:
            try:
                applied.append(apply_manifest(manifest, client, namespace))
            except ApiError as error:
                error.args = (f"{manifest.where}: {error}",)
                raise
            if output is Format.TABLE:
                _say(applied[-1], manifest.title)
        queues = [item.spec.work_queue for item in applied if isinstance(item, DeploymentRead)]
        if limit is not None:
            limit_queues(client, queues, limit, namespace)
        if output is Format.JSON:
            print_json([item.model_dump(mode="json") for item in applied])
            return
        say_launcher(queues, client, namespace)


def _upload(manifests: "Sequence[Manifest]", namespace: str, *, quiet: bool) -> None:
    from towpath.cli.deployment_storage import describe_upload, upload  # noqa: PLC0415 - only with --upload
    from towpath.contract.resources.flow import FlowSpec  # noqa: PLC0415

    flows = [(manifest, manifest.spec) for manifest in manifests if isinstance(manifest.spec, FlowSpec)]
    stored = [(manifest, spec) for manifest, spec in flows if spec.storage is not None]
    if not stored:
        raise DeploymentError("--upload: none of the manifests names a storage: build them with --storage-block.")
    for manifest, spec in stored:
        if spec.storage is not None:
            uploaded = upload(spec.storage, spec.entrypoint, Path.cwd(), manifest.namespace or namespace)
            if not quiet:
                print("\n".join(describe_upload(uploaded)))


def limit_queues(client: "ApiClient", queues: "Sequence[str]", limit: int, namespace: str) -> None:
    """Sets how many runs of work queues run at once; what else they are stays.

    Raises:
        ApiError: the API is away, or refuses.
    """
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api
    from towpath.contract.declared import WorkQueuePut, WorkQueueRead  # noqa: PLC0415

    for queue in list(iterate(client.list_work_queues, namespace=namespace)):
        if queue.name in queues:
            spec = queue.spec.model_copy(update={"concurrency_limit": limit})
            put = WorkQueuePut(namespace=namespace, name=queue.name, spec=spec)
            client.declare("/work-queues", put, WorkQueueRead)


def _say(item: "DeclaredRead", title: str) -> None:
    from towpath.contract.declared import DeploymentRead  # noqa: PLC0415 - see asking.open_api

    if isinstance(item, DeploymentRead):
        say_applied(item.full_name, str(item.id))
    else:
        print(f"{title} applied.")


def say_applied(full_name: str, deployment_id: str) -> None:
    """Says that the API has a deployment."""
    print(f"Deployment '{full_name}' successfully created with id '{deployment_id}'.")


def say_launcher(queues: Sequence[str], client: "ApiClient", namespace: str) -> None:
    """Says what starts the runs of these queues where that is an agent."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    names = list(dict.fromkeys(queues))
    launchers = {queue.name: queue.spec.launcher for queue in iterate(client.list_work_queues, namespace=namespace)}
    for name in names:
        if launchers.get(name) == "Agent":
            print(f"\nTo execute its runs, start an agent that serves the work queue {name!r}:\n")
            print(f"    towpath agent start -q {shlex.quote(name)}")


def delete(name: Name, namespace: Namespace = LOCAL_NAMESPACE) -> None:
    """Take a deployment away. Its runs that wait are cancelled; the history of its runs stays."""
    with open_api() as client:
        deployment = get_deployment(client, name, namespace)
        client.delete_deployment(deployment.id)
    print(f"Deleted deployment '{deployment.full_name}'.")
