"""Sends one message over a channel's block. Called by `notifications`; where it goes is in `towpath.contract.channels`.

JSON webhooks are posted by `calls`; all else is apprise's, an extra.
"""

from collections.abc import Mapping
from typing import Any

from towpath.blocks.calls import call
from towpath.contract.channels import AppriseUrls, ChannelError, JsonWebhook, Target, find_target
from towpath.errors import NotificationError


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
        call(target, {"title": subject or "", "body": body})
    else:
        _send_by_apprise(target, body, subject)


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
