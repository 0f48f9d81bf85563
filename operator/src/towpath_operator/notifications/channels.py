"""Finds where messages to a channel's block go. How each type is addressed is in `towpath.contract.channels`."""

from towpath.contract import channels
from towpath.contract.channels import TYPES, AppriseUrls, Fields, JsonWebhook, Target
from towpath_operator.notifications.errors import SendFailed

__all__ = ["TYPES", "AppriseUrls", "JsonWebhook", "Target", "find_target"]


def find_target(block_type: str, fields: Fields) -> Target:
    """Where messages to such a block go.

    Raises:
        SendFailed: when the type is no channel's, or a field is missing or of the wrong kind.
    """
    try:
        return channels.find_target(block_type, fields)
    except channels.ChannelError as error:
        raise SendFailed(str(error)) from None
