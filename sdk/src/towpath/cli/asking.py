"""Opens the API for a command, and finds what people name. Called by the command modules."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import DeploymentRead


R = TypeVar("R")


@contextmanager
def open_api() -> Generator["ApiClient"]:
    """A client of the API that the settings name, else of this home's local server, which is started if none runs.

    Raises:
        SettingsError: they name none, and no local server can be started.
    """
    from towpath.client.asking import client_for_asking  # noqa: PLC0415 - 200 ms that `version` and `config` do not pay

    with client_for_asking() as client:
        yield client


def parse_id(text: str, what: str) -> UUID:
    """An id that a person gave.

    Args:
        what: what it is the id of, for the error.

    Raises:
        TowpathError: it is not an id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise TowpathError(
            f"{text!r} is not the id of a {what}, and names are not unique: `towpath {what.replace(' ', '-')} ls` shows the ids."
        ) from None


def require(found: "R | None", noun: str, name: str, namespace: str) -> "R":
    """What was found of the name that a person gave.

    Args:
        noun: what it is the name of, as the command's name has it with spaces.

    Raises:
        TowpathError: nothing was.
    """
    if found is None:
        raise TowpathError(
            f"There is no {noun} {name!r} in the namespace {namespace!r}: `towpath {noun.replace(' ', '-')} ls` shows them."
        )
    return found


def get_deployment(client: "ApiClient", name: str, namespace: str) -> "DeploymentRead":
    """The deployment that a person names as `flow/deployment` or by its resource name.

    Raises:
        TowpathError: there is none.
    """
    return require(client.find_deployment(name, namespace), "deployment", name, namespace)
