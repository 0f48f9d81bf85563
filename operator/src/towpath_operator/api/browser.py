"""What browsers send by themselves: the session's cookie, and where a request comes from. Used by the gates and the session's routes.

A cookie is sent with whatever page makes the request, so one that is authenticated by it must come from our own pages, and must
prove it where it changes something. Bearer tokens are sent by nobody by itself and need none of this.
"""

import hashlib
import hmac
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request, Response

from towpath.contract.sessions import CSRF_HEADER
from towpath_operator.domain.refusals import Forbidden, InvalidRequest

COOKIE: Final = "towpath-session"
COOKIE_PATH: Final = "/api"
MAX_COOKIE: Final = 3_900
"""Characters; browsers keep 4,096 bytes of a cookie with its name."""
LONGEST_SECONDS: Final = 12 * 3_600
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({"same-origin", "none"})


def read_bearer(request: Request) -> str | None:
    """The bearer token of the request."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def read_cookie(request: Request) -> str | None:
    """The token that the session's cookie holds."""
    held = request.cookies.get(COOKIE)
    return unquote(held) if held else None


def make_csrf_token(secret: str) -> str:
    """The proof that belongs to a token: whoever can send it has read an answer, which other sites cannot."""
    return hmac.new(secret.encode(), b"towpath-csrf", hashlib.sha256).hexdigest()


def check_browser(request: Request, secret: str, public_url: str | None = None) -> None:
    """Checks that a request which the browser authenticated by itself comes from our pages.

    Args:
        secret: what it was authenticated by.
        public_url: where the pages are reached, if something before the server changes the Host header.

    Raises:
        Forbidden: when it does not.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in _OWN:
        raise Forbidden("A page of another site may not use this session.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in _own_hosts(request, public_url):
        raise Forbidden("A page of another origin may not use this session.")
    if request.method in _SAFE:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), make_csrf_token(secret).encode()):
        raise Forbidden(
            f"Send `csrf_token` of GET /api/session as the header {CSRF_HEADER} with what changes something."
        )


def _own_hosts(request: Request, public_url: str | None) -> set[str]:
    hosts = {request.headers.get("host", "")}
    if public_url is not None:
        hosts.add(urlsplit(public_url).netloc)
    return hosts - {""}


def set_cookie(request: Request, response: Response, token: str, seconds: float, public_url: str | None = None) -> None:
    """Gives the browser a cookie that holds the token: for `seconds`, for our API alone, and for no script to read.

    Raises:
        InvalidRequest: when the token is too large for one.
    """
    value = quote(token, safe="")
    if len(value) > MAX_COOKIE:
        raise InvalidRequest(
            "The token is too large for a cookie: use a token of a ServiceAccount (`kubectl create token`)."
        )
    response.set_cookie(
        COOKIE,
        value,
        max_age=max(0, int(min(seconds, LONGEST_SECONDS))),
        path=COOKIE_PATH,
        secure=_is_secure(request, public_url),
        httponly=True,
        samesite="strict",
    )


def delete_cookie(request: Request, response: Response, public_url: str | None = None) -> None:
    """Makes the browser forget the cookie."""
    secure = _is_secure(request, public_url)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, secure=secure, httponly=True, samesite="strict")


def _is_secure(request: Request, public_url: str | None) -> bool:
    """Whether the pages are reached by https. The header may be anybody's: at worst the cookie is kept more strictly."""
    forwarded = request.headers.get("x-forwarded-proto", "").lower().startswith("https")
    return request.url.scheme == "https" or forwarded or (public_url or "").startswith("https://")
