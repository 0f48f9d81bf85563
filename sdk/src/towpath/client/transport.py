"""Requests to the API over one kept connection. Called by `sending`, in its own thread, and by `api`.

Where the API is may be asked anew for each connection: a local server that was replaced listens elsewhere.

The standard library's client, not httpx: neither a flow nor a pod that starts pays 100 to 300 ms for an import, nor half a
millisecond a request. It follows no redirects, which an API never sends, and honours the usual proxy variables.
"""

import contextlib
import errno
import http.client
import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from towpath.client.tokens import TokenSource
from towpath.errors import ApiUnavailable

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


class Answer(NamedTuple):
    """An HTTP answer. `retry_after` is in seconds, None when the server names no time."""

    status: int
    body: bytes
    retry_after: float | None = None


class Transport:
    """One connection to the API, made when first needed. To be used by one thread at a time.

    Args:
        url: the API's address, ending in `/api`.
        timeout: seconds that connecting, and each wait for the server, may take.
        locate: gives the address whenever a connection is made, if it may change.
    """

    def __init__(
        self, url: str, tokens: TokenSource, timeout: float, *, locate: Callable[[], str] | None = None
    ) -> None:
        self._locate = locate
        self._url = urlsplit(url)
        self._tokens = tokens
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None
        self._is_interrupted = False

    @property
    def url(self) -> str:
        """The API's address; where it may change, that of the last connection."""
        return self._url.geturl()

    def post(self, path: str, body: bytes) -> Answer:
        """The answer to a JSON document whose posting is idempotent. See `request`."""
        return self.request("POST", path, body)

    def request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> Answer:
        """The answer to one request.

        A kept connection that the server has closed meanwhile is replaced once, so what is asked must be idempotent.

        Args:
            path: what comes behind the API's address, with its query.
            body: a JSON document, if any, or something else of this `content_type`.

        Raises:
            ApiUnavailable: nobody answers, or not in time.
            SettingsError: the token file cannot be read.
        """
        may_move = self._connection is not None or self._locate is not None
        try:
            return self._exchange(method, path, body, content_type)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if not may_move or self._is_interrupted or isinstance(error, TimeoutError):
                raise self._unavailable(error) from error
        try:
            return self._exchange(method, path, body, content_type)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._unavailable(error) from error

    def _exchange(self, method: str, path: str, body: bytes | None, content_type: str) -> Answer:
        if self._is_interrupted:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the connection was given up")
        if self._connection is None:
            if self._locate is not None:
                self._url = urlsplit(self._locate())
            self._connection = _connect(self._url, self._timeout, direct=self._locate is not None)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        token = self._tokens.read()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connection.request(method, self._url.path + path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        return Answer(response.status, content, _seconds(response.getheader("Retry-After")))

    def _unavailable(self, error: Exception) -> ApiUnavailable:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ApiUnavailable(f"The API at {self._url.geturl()} does not answer: {reason}.")

    def close(self) -> None:
        """Ends the connection; the next post makes another."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None

    def interrupt(self) -> None:
        """Gives the connection up, from any thread: a request that waits for its answer fails at once, and all that follow."""
        self._is_interrupted = True
        connection = self._connection
        sock: socket.socket | None = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def abandon(self) -> None:
        """Forgets the connection without a word to the server: after a fork it belongs to the parent."""
        self._connection = None


def _seconds(header: str | None) -> float | None:
    """The delay of a Retry-After header; None for a date, which our API does not send."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


class _InOneGo(http.client.HTTPConnection):
    """Sends a request's head and body together.

    Whoever sends gives up Python's lock, and beside a busy flow gets it back only 5 ms later: once a request is enough.
    """

    _held: list[bytes] | None = None

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self._held = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._held)
        finally:
            self._held = None
        self.send(whole)


class _SecurelyInOneGo(_InOneGo, http.client.HTTPSConnection):
    """The same over TLS."""


def _connect(url: SplitResult, timeout: float, *, direct: bool) -> http.client.HTTPConnection:
    make = _SecurelyInOneGo if url.scheme == "https" else _InOneGo
    host = url.hostname or ""
    proxy = None if direct else _find_proxy(url)
    if proxy is None:
        return make(host, url.port, timeout=timeout)
    connection = make(proxy.hostname or "", proxy.port, timeout=timeout)
    connection.set_tunnel(host, url.port or (443 if url.scheme == "https" else 80))
    return connection


def _find_proxy(url: SplitResult) -> SplitResult | None:
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXY_VARIABLES):
        return None
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415 - 10 ms for those behind a proxy

    proxies = getproxies_environment()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(url.hostname or ""):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")
