"""Messages go to public addresses only, and to what the administrator allows."""

import pytest

from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.notifications.errors import AddressRefused

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
INSIDE = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "0.0.0.0",  # noqa: S104 an address to be refused, not one to listen on
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "192.0.2.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "localhost",
    "",
    "2130706433",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let_through(address: str) -> None:
    AddressPolicy().check(address)


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses_are_not(address: str) -> None:
    with pytest.raises(AddressRefused):
        AddressPolicy().check(address)


def test_allowed_networks_are_let_through_and_no_others() -> None:
    policy = AddressPolicy(parse_networks("10.1.0.0/16, 127.0.0.1,fd00::/8"))
    for address in ("10.1.2.3", "127.0.0.1", "fd00::7", "::ffff:10.1.2.3"):
        policy.check(address)
    for address in ("10.2.0.1", "127.0.0.2", "fe80::1"):
        with pytest.raises(AddressRefused):
            policy.check(address)


@pytest.mark.parametrize("sockaddr", ["/run/containerd.sock", b"/run/x", (1, 2), None])
def test_only_ip_sockets_are_let_through(sockaddr: object) -> None:
    with pytest.raises(AddressRefused):
        AddressPolicy(parse_networks("0.0.0.0/0")).check_sockaddr(sockaddr)


def test_a_network_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="banana"):
        parse_networks("10.0.0.0/8,banana")
