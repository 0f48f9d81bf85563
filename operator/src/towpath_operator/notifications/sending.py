"""Sends a message to a channel by whatever way its block's type asks for. Called by services.notifying."""

from collections.abc import Iterable
from typing import Any

from towpath_operator.notifications import apprise_sender, webhook
from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.channels import JsonWebhook, find_target
from towpath_operator.notifications.errors import SendFailed
from towpath_operator.notifications.messages import Message

_HIDDEN = "***"


async def send(
    block_type: str, fields: dict[str, Any], secrets: Iterable[str], message: Message, policy: AddressPolicy
) -> None:
    """Sends one message.

    Args:
        fields: the block's, secret ones among them.
        secrets: what no error may show.

    Raises:
        SendFailed: with why, in one sentence.
    """
    try:
        target = find_target(block_type, fields)
        if isinstance(target, JsonWebhook):
            await webhook.post(target, message, policy)
        else:
            await apprise_sender.send(target, message, policy)
    except SendFailed as failed:
        raise type(failed)(hide(str(failed), secrets)) from None


def hide(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, longest first, and without their parts that stand between slashes."""
    parts = {secret for secret in secrets if len(secret) >= 4}
    parts |= {part for secret in parts for part in secret.split("/") if len(part) >= 8}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, _HIDDEN)
    return text
