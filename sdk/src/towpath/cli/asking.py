"""Opens the API for a command, and finds what people name. Called by the command modules."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from towpath.errors import TowpathError
from towpath.settings import get_settings

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import DeploymentRead


@contextmanager
def open_api() -> Generator["ApiClient"]:
    """A client of the API that the settings name.

    Raises:
        SettingsError: they name none.
    """
    from towpath.client.api import ApiClient  # noqa: PLC0415 - 200 ms that `version` and `config` do not pay

    with ApiClient.of(get_settings()) as client:
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
            f"{text!r} is not the id of a {what}: `towpath {what.replace(' ', '-')} ls` shows them."
        ) from None


def get_deployment(client: "ApiClient", name: str, namespace: str) -> "DeploymentRead":
    """The deployment that a person names as `flow/deployment` or by its resource name.

    Raises:
        TowpathError: there is none.
    """
    found = client.find_deployment(name, namespace)
    if found is None:
        raise TowpathError(
            f"There is no deployment {name!r} in the namespace {namespace!r}: `towpath deployment ls` shows them."
        )
    return found
