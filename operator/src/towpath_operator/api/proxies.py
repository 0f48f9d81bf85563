"""Who a trusted proxy says that a caller is, by the headers that it sets. Used by the cluster's gate; off unless peers are named."""

import ipaddress
from dataclasses import dataclass

from fastapi import Request

from towpath_operator.domain.access import Identity
from towpath_operator.domain.refusals import Unauthenticated

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_RESERVED = "system:"
_AUTHENTICATED = "system:authenticated"
MAX_GROUPS = 500


@dataclass(frozen=True)
class TrustedProxies:
    """Peers whose headers are believed.

    Attributes:
        peers: their networks; nobody's headers are believed if there are none.
        user_header, groups_header: where the user and, separated by commas, its groups stand.
    """

    peers: tuple[Network, ...] = ()
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"

    def find_identity(self, request: Request) -> Identity | None:
        """Who the proxy says the caller is; None when the request is not from a proxy, or names nobody.

        Names that Kubernetes keeps for itself are not believed: whoever may name groups elsewhere would else be its administrator.

        Raises:
            Unauthenticated: when the user has such a name.
        """
        user = request.headers.get(self.user_header, "").strip()
        if not user or not self._is_peer(request):
            return None
        if user.startswith(_RESERVED):
            raise Unauthenticated(f"The proxy names the user {user!r}, which is one of Kubernetes' own.")
        told = ",".join(request.headers.getlist(self.groups_header)).split(",")
        groups = [group.strip() for group in told if group.strip() and not group.strip().startswith(_RESERVED)]
        return Identity(user, (*groups[:MAX_GROUPS], _AUTHENTICATED))

    def _is_peer(self, request: Request) -> bool:
        if request.client is None:
            return False
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address.version == network.version and address in network for network in self.peers)
