"""Which addresses of the internet protocol are public ones. Pure.

Asked by the API before a message of a notification leaves, and by blocks that may reach public addresses only. Both ask with the address
that a connection is about to be made to, so that a name that resolves to something else the second time leads nowhere else.
"""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def read_address(text: str) -> Address:
    """An address as sockets have it, whose zone (`fe80::1%eth0`) is left out.

    Raises:
        ValueError: it is a name, or nothing at all.
    """
    return ipaddress.ip_address(text.partition("%")[0])


def find_embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 one leads to, if it is of that kind."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_public(address: Address) -> bool:
    """Whether an address is none of a loopback, a link, a private network, or otherwise special."""
    inner = find_embedded(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_unspecified
