"""The one place where clients of the API come from, for everything that must be asked: blocks, pauses, limits, lists, runs.

Called by whatever asks, on users' machines and in pods alike. With an address in the settings that is where the client goes.
Without one it goes to the home's local server, which is started in the background if none runs; so a script that asks works
with nothing started. Runners and agents are told where their API is, and use `ApiClient.of`.
"""

from towpath.client.api import ApiClient
from towpath.client.connecting import transport_for_asking
from towpath.settings import Settings, get_settings


def client_for_asking(settings: Settings | None = None) -> ApiClient:
    """A client, to be closed; a context manager.

    With a local server, this process is its user from now on, and the events of its runs go there too, those told before
    first. Whoever asks about a run waits with `teller.flush(stored=True)` until the server knows it.

    Args:
        settings: None for those of this process.

    Raises:
        SettingsError: they name no API, and no local server can be started; the message says what to install or set.
        ApiUnavailable: a local server does not start.
    """
    settings = settings or get_settings()
    if settings.api_url is not None:
        return ApiClient.of(settings)
    return ApiClient.over(transport_for_asking(settings, settings.request_timeout))
