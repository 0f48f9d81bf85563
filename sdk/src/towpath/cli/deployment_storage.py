"""A deployment's code and its storage, for `deployment build` and `deployment apply`: uploads with a progress bar, and looks."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from towpath.errors import SecretNotFound

if TYPE_CHECKING:
    from towpath.contract.resources.flow import Storage
    from towpath.deployments.storing import Uploaded

StorageBlock = Annotated[
    str | None,
    typer.Option(
        "-sb",
        "--storage-block",
        metavar="TYPE/NAME[/PATH]",
        help="The block that runs fetch the code from, as github/dev/flows.",
    ),
]
SkipUpload = Annotated[
    bool,
    typer.Option(
        "--skip-upload", help="Leave the storage alone: neither upload the code nor look whether it is there."
    ),
]
_LISTED: Final = 20


def store_code(storage: "Storage", entrypoint: str, folder: Path, namespace: str) -> Sequence[str]:
    """Uploads a folder's code to a storage, or looks whether it is there where the storage takes none.

    Returns:
        Lines that say what was done.

    Raises:
        StorageError, DeploymentError, BlockError: it cannot be; the message says what is at fault.
    """
    from towpath.deployments.storing import can_upload, load_storage, look_for_code  # noqa: PLC0415 - see asking.open_api

    try:
        block = load_storage(storage, namespace)
        if can_upload(block):
            return describe_upload(upload(storage, entrypoint, folder, namespace))
        what = look_for_code(storage, entrypoint, namespace)
        seen = f"Found {entrypoint.rpartition(':')[0]} in {what}."
    except SecretNotFound as error:
        if not _takes_none(storage):
            raise
        seen = f"The code was not looked for, since {str(error)[:1].lower()}{str(error)[1:]}"
    return [
        seen,
        f"Deployment storage {storage.block} does not have upload capabilities; no files uploaded.  Pass --skip-upload to "
        "suppress this warning.",
    ]


def _takes_none(storage: "Storage") -> bool:
    """Whether a storage of this type takes no uploads, as far as can be said without its secrets."""
    from towpath.blocks.registry import get_class  # noqa: PLC0415 - see asking.open_api

    return "put-directory" not in get_class(storage.block.partition("/")[0]).get_block_capabilities()


def upload(storage: "Storage", entrypoint: str, folder: Path, namespace: str) -> "Uploaded":
    """Uploads a folder's code, with a progress bar on a terminal.

    Raises:
        StorageError, DeploymentError, BlockError: see store_code.
    """
    from towpath.deployments.storing import list_code, load_storage, upload_code  # noqa: PLC0415 - see asking.open_api

    tree = list_code(folder)
    with progress_bar(len(tree.files), tree.size) as told:
        return upload_code(load_storage(storage, namespace), storage, tree, entrypoint, told)


def describe_upload(uploaded: "Uploaded") -> list[str]:
    """What went up, and what did not though one might think so."""
    files, left_out = uploaded.tree.files, uploaded.tree.left_out
    lines = [f"Successfully uploaded {_count(files)} ({describe_size(uploaded.tree.size)}) to {uploaded.where}:"]
    lines += [f"  {name}" for name in files[:_LISTED]]
    if len(files) > _LISTED:
        lines.append(f"  and {len(files) - _LISTED} more")
    if left_out:
        lines.append(f"Left out, since they lead out of the folder: {', '.join(left_out[:_LISTED])}")
    return lines


def _count(files: Sequence[str]) -> str:
    return f"{len(files)} file{'s' if len(files) != 1 else ''}"


def describe_size(size: int) -> str:
    """Bytes as people say them."""
    number = float(size)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


@contextmanager
def progress_bar(files: int, size: int) -> Generator[Callable[[str, int], None]]:
    """What is to be told each file and its bytes. Nothing shows but on a terminal."""
    if not sys.stdout.isatty():
        yield lambda name, done: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415 - see output.print_table

    with Progress(TextColumn("Uploading {task.fields[done]}/" + str(files)), BarColumn(), DownloadColumn()) as progress:
        task = progress.add_task("upload", total=max(size, 1), done=0)

        def tell(name: str, done: int) -> None:
            progress.update(task, advance=done, done=progress.tasks[task].fields["done"] + 1)

        yield tell
