"""Sends one message over a channel's block. Called by `notifications`; where it goes is in `towpath.contract.channels`.

JSON webhooks are posted with the standard library alone; all else is apprise's, an extra.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from towpath.contract import signing
from towpath.contract.channels import AppriseUrls, ChannelError, JsonWebhook, Target, find_target
from towpath.errors import NotificationError

TIMEOUT_SECONDS: Final = 15.0


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: what is sent is for one receiver."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """None, which makes the answer an error."""


_opener: Final = urllib.request.build_opener(_StayHere)


def send(block_type: str, fields: Mapping[str, Any], body: str, subject: str | None) -> None:
    """Sends a message.

    Args:
        fields: the block's, with its secrets in the clear.

    Raises:
        NotificationError: it was not taken; the message shows no secret.
    """
    try:
        target: Target = find_target(block_type, fields)
    except ChannelError as error:
        raise NotificationError(str(error)) from None
    if isinstance(target, JsonWebhook):
        post_json(target, {"title": subject or "", "body": body})
    else:
        _send_by_apprise(target, body, subject)


def post_json(target: JsonWebhook, document: Any) -> None:
    """Posts JSON, signed where the target has a secret.

    Raises:
        NotificationError: the receiver does not answer with a success.
    """
    content = json.dumps(document, ensure_ascii=False).encode()
    headers = {**target.headers, "Content-Type": "application/json", "User-Agent": "towpath"}
    if target.secret:
        headers[signing.HEADER] = signing.sign(content, target.secret.encode(), int(time.time()))
    if not target.url.startswith(("http://", "https://")):
        raise NotificationError("The address is none of http or https.")
    request = urllib.request.Request(target.url, data=content, headers=headers, method="POST")  # noqa: S310 checked above
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read(1_000)
    except urllib.error.HTTPError as error:
        raise NotificationError(f"The receiver answered with status {error.code}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotificationError(
            f"The receiver cannot be reached: {getattr(reason, 'strerror', None) or reason}."
        ) from None


def _send_by_apprise(target: AppriseUrls, body: str, subject: str | None) -> None:
    try:
        import apprise  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise NotificationError("Messages to this service need apprise: pip install 'towpath[notifications]'") from None
    sender: Any = apprise.Apprise()
    for url in target.urls:
        if not sender.add(url):
            raise NotificationError("The block's address is none that apprise knows: check its fields.")
    if not sender.notify(body=body, title=subject or ""):
        raise NotificationError("The service did not take the message: check the block's address and credentials.")
