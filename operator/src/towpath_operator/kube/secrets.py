"""Reads keys of Secrets for the API, which may do so only where the chart's values say. Implements services.channels.SecretSource."""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Final

from towpath.contract.resources.block import SecretRef
from towpath_operator.domain.refusals import Forbidden, NotFound, ReviewsUnavailable
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeError, KubeRefused
from towpath_operator.kube.resources import Resource

SECRETS: Final = Resource("/api/v1", "secrets")


class KubeSecrets:
    """The Secrets of these namespaces."""

    def __init__(self, client: KubeClient, namespaces: frozenset[str]) -> None:
        self._client = client
        self._namespaces = namespaces

    async def read(self, namespace: str, ref: SecretRef) -> bytes:
        """The key's value, as it is now.

        Raises:
            Forbidden: when the namespace is none that the chart lists.
            NotFound: when there is no such Secret or key.
            ReviewsUnavailable: when Kubernetes cannot be asked.
        """
        if namespace not in self._namespaces:
            raise Forbidden(
                f"Secrets of namespace {namespace!r} may not be read for messages: the administrator can list it in "
                "notifications.secretNamespaces of the chart."
            )
        try:
            found = await self._client.find(SECRETS, namespace, ref.secret)
        except KubeRefused as error:
            raise Forbidden(f"The API may not read Secrets of namespace {namespace!r}.") from error
        except KubeError as error:
            raise ReviewsUnavailable(f"Kubernetes cannot be asked for the Secret {ref.secret!r}.") from error
        value = None if found is None else (found.get("data") or {}).get(ref.key)
        if value is None:
            raise NotFound(f"There is no Secret {ref.secret!r} with the key {ref.key!r} in namespace {namespace!r}.")
        try:
            return b64decode(value, validate=True)
        except Base64Error as error:
            raise NotFound(f"The key {ref.key!r} of Secret {ref.secret!r} cannot be read.") from error
