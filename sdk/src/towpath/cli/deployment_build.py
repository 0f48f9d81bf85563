"""`towpath deployment build`: from a flow in a file to a manifest, and on request to the API. A command of `deployments`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.deployment_infra import (
    Infra,
    InfraBlock,
    Overrides,
    QueueLimit,
    choose_infrastructure,
    parse_overrides,
)
from towpath.cli.deployment_storage import SkipUpload, StorageBlock, store_code
from towpath.cli.parameters import Param, Params, parse_parameters
from towpath.cli.schedule_options import AnchorDate, Cron, Interval, RRule, Timezone, parse_schedule
from towpath.contract.names import DEFAULT_WORK_QUEUE, LOCAL_NAMESPACE
from towpath.errors import DeploymentError

if TYPE_CHECKING:
    from towpath.contract.resources.flow import Storage
    from towpath.deployments import Deployment
    from towpath.flows import Flow

Entrypoint = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:FLOW", help="The file and the flow's function in it; a file with one flow will do."
    ),
]
Name = Annotated[str, typer.Option("-n", "--name", help="The deployment's name.")]
Queue = Annotated[str, typer.Option("-q", "--work-queue", help="The work queue in which its runs wait for a launcher.")]
Tags = Annotated[list[str] | None, typer.Option("-t", "--tag", help="A tag for its runs; may be given several times.")]
Version = Annotated[
    str | None, typer.Option("-v", "--version", help="The version of the flow's code; a hash of its file if left out.")
]
CodePath = Annotated[
    Path | None,
    typer.Option(
        "--path",
        help="The folder that agents run it in, the current one if left out; with -sb, the path in the storage.",
    ),
]
Image = Annotated[str | None, typer.Option("--image", help="The image of its pods in a cluster.")]
OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Where to write it; FLOW-deployment.yaml if left out."),
]
Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        envvar="TOWPATH_NAMESPACE",
        help="The namespace of its blocks, and of --apply; the manifest names none.",
    ),
]
Apply = Annotated[bool, typer.Option("-a", "--apply", help="Also tell the API, as `deployment apply` does.")]


def build(
    entrypoint: Entrypoint,
    name: Name,
    work_queue: Queue = DEFAULT_WORK_QUEUE,
    limit: QueueLimit = None,
    tag: Tags = None,
    version: Version = None,
    cron: Cron = None,
    interval: Interval = None,
    anchor_date: AnchorDate = None,
    rrule: RRule = None,
    timezone: Timezone = None,
    param: Param = None,
    params: Params = None,
    infra: Infra = None,
    infra_block: InfraBlock = None,
    override: Overrides = None,
    storage_block: StorageBlock = None,
    skip_upload: SkipUpload = False,
    path: CodePath = None,
    image: Image = None,
    output: OutputFile = None,
    apply: Apply = False,
    namespace: Namespace = LOCAL_NAMESPACE,
) -> None:
    """Write a manifest for a flow: one file that `deployment apply` and `kubectl apply -f` take.

    Nothing is written unless all of it can be.
    """
    from towpath.deployments import Deployment  # noqa: PLC0415 - see asking.open_api

    schedule = parse_schedule(cron, interval, anchor_date, rrule, timezone)
    parameters = parse_parameters(params, param or [])
    overrides = parse_overrides(override or [])
    stored = _find_storage(storage_block, path)
    source, folder, flow, function = _find_flow(entrypoint, None if stored is not None else path)
    file = _choose_file(output, function)
    built = Deployment.build_from_flow(
        flow,
        name,
        entrypoint=source,
        path=folder if stored is None else None,
        work_queue_name=work_queue,
        work_queue_limit=limit,
        tags=tag or (),
        version=version,
        schedule=schedule,
        parameters=parameters,
        image=image,
        infrastructure=choose_infrastructure(infra, infra_block, namespace),
        infra_overrides=overrides,
    )
    if stored is not None:
        built.storage, built.path = stored, None
    print(f"Found flow {flow.name!r}")
    said = [] if skip_upload else _store(built, folder, namespace)
    built.to_yaml(file)
    write_ignore_file(Path.cwd())
    for line in said:
        print(line)
    print(f"Deployment YAML created at '{file}'.")
    if apply:
        _apply(built, namespace)


def _find_storage(text: str | None, path: Path | None) -> "Storage | None":
    if text is None:
        return None
    from towpath.deployments.storing import parse_storage  # noqa: PLC0415 - see asking.open_api

    return parse_storage(text, None if path is None else path.as_posix())


def _store(built: "Deployment", folder: Path, namespace: str) -> Sequence[str]:
    if built.storage is None:
        return [
            "Deployment storage None does not have upload capabilities; no files uploaded.  Pass --skip-upload to suppress "
            "this warning."
        ]
    return store_code(built.storage, built.entrypoint, folder, namespace)


def _apply(built: "Deployment", namespace: str) -> None:
    from towpath.cli.asking import open_api  # noqa: PLC0415 - only with --apply
    from towpath.cli.deployment_apply import say_applied, say_launcher  # noqa: PLC0415

    with open_api() as client:
        deployment_id = built.apply(client, namespace)
        say_applied(built.full_name, str(deployment_id))
        say_launcher([built.work_queue_name], client, namespace)


def _find_flow(entrypoint: str, path: Path | None) -> "tuple[str, Path, Flow[..., Any], str]":
    """The flow that a person names: its entrypoint, the folder that this is relative to, itself, and its function's name."""
    from towpath.runner.loading import find_flows, load_flow  # noqa: PLC0415 - see asking.open_api

    source, colon, function = entrypoint.rpartition(":")
    file = Path(source if colon else entrypoint)
    if not colon and file.suffix != ".py":
        raise DeploymentError(f"{entrypoint!r} is not a flow: write it as FILE.py:FLOW.")
    if file.suffix != ".py":
        folder = _get_folder(path)
        return entrypoint, folder, load_flow(entrypoint, folder), function.rpartition(".")[2]
    if not file.is_file():
        raise DeploymentError(f"There is no file {file}.")
    relative, folder = _place(file.resolve(), path)
    if not colon:
        function = _choose_only(file, find_flows(relative, folder))
    found = f"{relative}:{function}"
    return found, folder, load_flow(found, folder), function.rpartition(".")[2]


def _choose_only(file: Path, flows: "dict[str, Flow[..., Any]]") -> str:
    if len(flows) == 1:
        return next(iter(flows))
    if not flows:
        raise DeploymentError(f"{file} holds no flow: is @flow missing above the function?")
    names = ", ".join(sorted(flows))
    raise DeploymentError(f"{file} holds the flows {names}: say which, as {file}:{sorted(flows)[0]}.")


def _get_folder(path: Path | None) -> Path:
    folder = (path or Path.cwd()).expanduser().resolve()
    if not folder.is_dir():
        raise DeploymentError(f"--path: there is no folder {folder}.")
    return folder


def _place(file: Path, path: Path | None) -> tuple[str, Path]:
    """The file relative to the folder that it is run in."""
    folder = _get_folder(path)
    if not file.is_relative_to(folder):
        if path is not None:
            raise DeploymentError(f"--path: {file} is not below {folder}: give a folder that the file is in.")
        folder = file.parent
    return file.relative_to(folder).as_posix(), folder


def _choose_file(output: Path | None, function: str) -> Path:
    if output is None:
        return Path.cwd() / f"{function}-deployment.yaml"
    if output.suffix not in (".yaml", ".yml"):
        raise DeploymentError(f"--output: {output} is not right: its name must end in .yaml.")
    file = output.expanduser().absolute()
    if not file.parent.is_dir():
        raise DeploymentError(f"--output: there is no folder {file.parent}.")
    return file


def write_ignore_file(folder: Path) -> None:
    """Writes the default ignore file where there is none, and says so."""
    from towpath.deployments.documents import write_whole  # noqa: PLC0415 - see asking.open_api
    from towpath.filesystems.ignoring import DEFAULT_IGNORES, IGNORE_FILE  # noqa: PLC0415

    file = folder / IGNORE_FILE
    if not file.exists():
        write_whole(file, DEFAULT_IGNORES)
        print(f"Default '{IGNORE_FILE}' file written to {file}")
