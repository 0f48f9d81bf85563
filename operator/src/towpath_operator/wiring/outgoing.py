"""How the API's messages leave, as the settings say. Called by the mains of local mode and of the API's pod."""

from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.services.channels import Outgoing, SecretSource
from towpath_operator.wiring.settings import ServerSettings


def build_outgoing(settings: ServerSettings, secrets: SecretSource, address: str | None = None) -> Outgoing:
    """What the services need to send.

    Args:
        secrets: where secrets of channels are read.
        address: where the pages are reached if the settings do not say.
    """
    policy = AddressPolicy(parse_networks(settings.notify_allowed_networks))
    return Outgoing(secrets, policy, settings.public_url or address)
