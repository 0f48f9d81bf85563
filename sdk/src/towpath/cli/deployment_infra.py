"""The options that say where a deployment's runs go, for `deployment build`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.errors import DeploymentError

if TYPE_CHECKING:
    from towpath.infrastructure import Infrastructure

Infra = Annotated[
    str | None,
    typer.Option("-i", "--infra", metavar="KIND", help="Where its runs go: process (by an agent) or kubernetes-job."),
]
InfraBlock = Annotated[
    str | None,
    typer.Option("-ib", "--infra-block", metavar="TYPE/NAME", help="The same, with what a saved block says of it."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--override", metavar="KEY=VALUE", help="A value over the infrastructure's, as env.REGION=eu or image=flows:2."
    ),
]
QueueLimit = Annotated[
    int | None,
    typer.Option(
        "-l", "--limit", min=0, help="How many runs of the work queue run at once; needs --infra or --infra-block."
    ),
]


def choose_infrastructure(kind: str | None, block: str | None, namespace: str) -> "Infrastructure | None":
    """The infrastructure that the options name; None when they name none.

    Raises:
        DeploymentError: they contradict one another, or name none that there is.
        BlockError: there is no such block.
    """
    if kind is not None and block is not None:
        raise DeploymentError("Give one of --infra and --infra-block, not both.")
    if block is not None:
        return _load(block, namespace)
    if kind is None:
        return None
    from towpath.infrastructure import KINDS  # noqa: PLC0415 - only for those who say where runs go

    found = KINDS.get(kind)
    if found is None:
        raise DeploymentError(f"--infra: there is no {kind!r}: give {' or '.join(KINDS)}.")
    return found()


def _load(block: str, namespace: str) -> "Infrastructure":
    from towpath.blocks.core import Block  # noqa: PLC0415 - see choose_infrastructure
    from towpath.infrastructure import KINDS, Infrastructure  # noqa: PLC0415

    loaded = Block.load(block, namespace=namespace)
    if not isinstance(loaded, Infrastructure):
        raise DeploymentError(
            f"--infra-block: {block} says not where runs go: give a block of type {' or '.join(KINDS)}."
        )
    return loaded


def parse_overrides(given: Sequence[str]) -> dict[str, Any]:
    """Values by dotted key. What begins as a JSON object or list is read as one.

    Raises:
        DeploymentError: one has no `=`, or is broken JSON.
    """
    parsed: dict[str, Any] = {}
    for text in given:
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise DeploymentError(f"--override: {text!r} is not right: write it as KEY=VALUE, as env.REGION=eu.")
        try:
            parsed[key.strip()] = json.loads(value) if value.lstrip()[:1] in ("{", "[") else value
        except ValueError as error:
            raise DeploymentError(f"--override: the value of {key.strip()!r} is not JSON ({error}).") from None
    return parsed
