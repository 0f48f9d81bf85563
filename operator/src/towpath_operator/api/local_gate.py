"""The gate of local mode: loopback is trusted, a token where one is set.

A page in the user's browser can reach loopback too, so without a token the Host and Origin headers must be loopback names.
"""

import hmac
import ipaddress
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request

from towpath.contract.names import LOCAL_NAMESPACE
from towpath_operator.api.access import Who
from towpath_operator.api.browser import check_browser, make_csrf_token, read_bearer, read_cookie
from towpath_operator.domain.refusals import Forbidden, Unauthenticated

LOCAL_USER = "local"


class _Everything:
    """What the one user of a local server may: all."""

    home = LOCAL_NAMESPACE

    def __init__(self, who: Who) -> None:
        self.who = who

    async def allow(self, verb: str, resource: str, namespace: str | None) -> bool:
        """True."""
        return True

    async def own(self, run_id: UUID, attempt: int, pod_uid: str | None) -> None:
        """Raises nothing: processes of one user are not told apart."""


class LocalGate:
    """Admits whoever holds the token, or without one whoever is on this machine."""

    def __init__(self, token: str | None, public_url: str | None = None) -> None:
        self._token = token
        self.public_url = public_url

    async def admit(self, request: Request) -> _Everything:
        """The local user.

        Raises:
            Unauthenticated: without the token.
            Forbidden: from elsewhere than this machine, or from a page of another origin.
        """
        if self._token is not None:
            return self._admit_with(self._token, request)
        if request.client is not None and not is_loopback(request.client.host):
            raise Forbidden("This server answers its own machine only: start it with a token to listen wider.")
        for header in ("host", "origin"):
            value = request.headers.get(header)
            if value is not None and not is_loopback(_host_of(value)):
                raise Forbidden(f"The {header.capitalize()} header names another machine: use http://127.0.0.1.")
        return _Everything(Who(LOCAL_USER, (), "local"))

    def _admit_with(self, token: str, request: Request) -> _Everything:
        """The caller who sent the token, as a bearer token or in the session's cookie."""
        given = read_bearer(request)
        if given is not None and hmac.compare_digest(given.encode(), token.encode()):
            return _Everything(Who(LOCAL_USER, (), "token"))
        held = read_cookie(request) if given is None else None
        if held is not None and hmac.compare_digest(held.encode(), token.encode()):
            check_browser(request, token, self.public_url)
            return _Everything(Who(LOCAL_USER, (), "cookie", csrf_token=make_csrf_token(token)))
        raise Unauthenticated("Send the server's token: set TOWPATH_API_TOKEN to what it printed at its start.")


def _host_of(value: str) -> str:
    return urlsplit(value if "//" in value else f"//{value}").hostname or ""


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its loopback name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
