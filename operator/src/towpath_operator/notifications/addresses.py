"""Which addresses messages may go to: public ones, and what the administrator allows. Pure.

Asked when a connection is made, with the address that a name was resolved to, so that neither a name that resolves to something
else the second time nor a redirect leads inside.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from towpath.contract.addresses import Address, find_embedded, is_public, read_address
from towpath_operator.notifications.errors import AddressRefused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks that a setting names, separated by commas.

    Raises:
        ValueError: when one of them is none; an address alone is one of its own.
    """
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


class AddressPolicy:
    """Lets public addresses through, and those of the networks that are allowed."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self.allowed = tuple(allowed)

    def check(self, host: str) -> None:
        """Checks an address that a connection is about to be made to.

        Raises:
            AddressRefused: when it is a loopback, link-local, private or otherwise special one, or no IP address at all.
        """
        try:
            address = read_address(host)
        except ValueError:
            raise AddressRefused(f"{host!r} is not an IP address, so it cannot be checked.") from None
        if not self._permits(address):
            raise AddressRefused(
                f"{address} is not a public address: the administrator can allow its network "
                "(TOWPATH_SERVER_NOTIFY_ALLOWED_NETWORKS, or notifications.allowedNetworks of the chart)."
            )

    def check_sockaddr(self, sockaddr: Any) -> None:
        """Checks what a socket is about to connect to: the (host, port, ...) of an IP socket.

        Raises:
            AddressRefused: as `check`; and for sockets that are no IP sockets.
        """
        if not isinstance(sockaddr, tuple) or not isinstance(sockaddr[0], str):
            raise AddressRefused("Messages go to IP addresses only, not to sockets of this machine.")
        self.check(sockaddr[0])

    def _permits(self, address: Address) -> bool:
        if any(address.version == network.version and address in network for network in self.allowed):
            return True
        inner = find_embedded(address)
        return self._permits(inner) if inner is not None else is_public(address)
