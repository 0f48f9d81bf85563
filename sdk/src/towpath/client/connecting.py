"""The connection over which things are asked: to the API that the settings name, else to the home's local server.

Called by `asking` and `questions`. A local server is started in the background where none runs.
"""

from towpath.client.telling import deliver_locally
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.settings import Settings


def transport_for_asking(settings: Settings, timeout: float) -> Transport:
    """The connection, made when first needed.

    Args:
        timeout: seconds that connecting, and each wait for an answer, may take.

    Raises:
        SettingsError: they name no API, and no local server can be started; the message says what to install or set.
        ApiUnavailable: a local server does not start.
    """
    if settings.api_url is not None:
        return Transport(settings.api_url, TokenSource.of(settings), timeout)
    from towpath.client.local_server import LOCAL_SERVERS, LocalAddress  # noqa: PLC0415 - 10 ms for those without an API

    address = LocalAddress(settings, lambda: LOCAL_SERVERS.use(settings))
    address.locate()
    deliver_locally(settings)
    return address.connect(timeout)
