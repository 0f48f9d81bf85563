"""Who a caller is and what it may do, as pages and `towpath login` ask it."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel

How = Literal["token", "cookie", "proxy", "local"]
CSRF_HEADER = "X-Towpath-CSRF"
"""Carries `csrf_token` in requests that change something and are authenticated by a cookie or a proxy."""


class NamespaceRights(BaseModel):
    """What the caller may do in a namespace: for each resource of towpath.dev the verbs."""

    namespace: str
    allowed: dict[str, list[str]]


class SessionRead(BaseModel):
    """The caller.

    Attributes:
        how: what says who it is: a bearer token, the session's cookie, a trusted proxy, or being on this machine.
        csrf_token: to be sent as CSRF_HEADER with what changes something; None where nothing is sent by itself.
        expires: when the token ends, if it says so.
        everywhere: what the caller may do in all namespaces.
        namespaces: the namespaces that hold something and whose runs the caller may list, or those that were asked for.
        truncated: whether there are more namespaces than are shown.
    """

    user: str
    groups: list[str] = []
    how: How
    csrf_token: str | None = None
    expires: AwareDatetime | None = None
    everywhere: dict[str, list[str]]
    namespaces: list[NamespaceRights]
    truncated: bool = False
