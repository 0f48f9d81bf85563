"""One call over HTTP to the address that a block names. Called by `notifications` and `messages`; the standard library alone.

Follows no redirect: what is sent is for one receiver. Errors show neither the address nor what was sent, both of which hold secrets.
"""

import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from typing import Any, Final

from towpath.contract import signing
from towpath.contract.addresses import is_public, read_address
from towpath.contract.channels import JsonWebhook
from towpath.errors import NotificationError

TIMEOUT_SECONDS: Final = 15.0
MOST_BYTES: Final = 16 * 1024 * 1024
"""The largest answer that is read."""


@dataclass(frozen=True)
class Answer:
    """What a receiver answered.

    Attributes:
        status_code: from 200 to 299.
        headers: their names in lower case.
        content: the body.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.content)


def call(target: JsonWebhook, payload: Any, *, method: str = "POST", allows_private: bool = True) -> Answer:
    """Sends a payload, signed where the target has a secret.

    Args:
        payload: a text goes as it is, None goes without a body, anything else as JSON.
        allows_private: whether the address may be a loopback or private one.

    Raises:
        NotificationError: the receiver is not reached, may not be, or does not answer with a success.
    """
    if not target.url.startswith(("http://", "https://")):
        raise NotificationError("The address is none of http or https.")
    content, kind = _write(payload)
    headers = {"User-Agent": "towpath", **({"Content-Type": kind} if kind else {})}
    headers |= {name.title(): value for name, value in target.headers.items()}
    if target.secret:
        headers[signing.HEADER] = signing.sign(content or b"", target.secret.encode(), int(time.time()))
    opener = _opener if allows_private else _public_opener
    try:
        request = urllib.request.Request(target.url, content, headers, method=method)  # noqa: S310 - checked above
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read(MOST_BYTES + 1)
            read = {name.lower(): value for name, value in answer.headers.items()}
            status = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        raise NotificationError(f"The receiver answered with status {error.code}.") from None
    except (ValueError, InvalidURL):
        raise NotificationError("The receiver cannot be reached: the address, or a header, is not right.") from None
    except HTTPException:
        raise NotificationError("The receiver's answer cannot be read.") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        said = getattr(reason, "strerror", None) or reason
        raise NotificationError(f"The receiver cannot be reached: {said}.") from None
    if len(body) > MOST_BYTES:
        raise NotificationError(f"The receiver's answer is larger than {MOST_BYTES // 1024**2} MiB.")
    return Answer(status, read, body)


def _write(payload: Any) -> tuple[bytes | None, str | None]:
    """A payload's bytes, and of which type they are."""
    if payload is None:
        return None, None
    if isinstance(payload, str):
        return payload.encode(), "text/plain; charset=utf-8"
    return json.dumps(payload, ensure_ascii=False).encode(), "application/json"


def _connect_publicly(host: str, port: int, timeout: Any) -> socket.socket:
    """A connection to the first of a name's addresses that answers, each of which must be a public one.

    Raises:
        NotificationError: one of them is not.
        OSError: the name has none, or none of them answers.
    """
    addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(is_public(read_address(address)) for address in addresses):
        raise NotificationError(
            "The address leads to this machine or a private network, which the block does not allow: set its "
            "allow_private_urls if that is meant."
        )
    failed: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failed = error
    raise failed or OSError("the name has no address")


class _PublicConnection(HTTPConnection):
    def connect(self) -> None:
        self.sock = _connect_publicly(self.host, self.port, self.timeout)


class _PublicSecureConnection(HTTPSConnection):
    def connect(self) -> None:
        plain = _connect_publicly(self.host, self.port, self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class _PublicHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_PublicConnection, req)


class _PublicSecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_PublicSecureConnection, req)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """None, which makes the answer an error."""


_opener: Final = urllib.request.build_opener(_StayHere)
_public_opener: Final = urllib.request.build_opener(
    _StayHere,
    _PublicHandler,
    _PublicSecureHandler,
    urllib.request.ProxyHandler({}),  # whose address would be the one that is judged
)
