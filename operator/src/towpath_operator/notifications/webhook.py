"""Posts a message's facts as JSON, signed where the channel has a secret. Follows no redirect and uses no proxy.

The address is checked as each socket is made, with what the name was resolved to.
"""

import json
import os
import socket
import time
from typing import Any

from towpath_operator.notifications import signing
from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.channels import JsonWebhook
from towpath_operator.notifications.errors import AddressRefused, SendFailed
from towpath_operator.notifications.messages import Message

TIMEOUT_SECONDS = 15.0
DELIVERY_HEADER = "Towpath-Delivery"


def build_body(message: Message) -> bytes:
    """The JSON that is sent: the facts, with the delivery's id and the words for people."""
    told = {"id": message.id, **message.facts, "title": message.title, "body": message.body}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


async def post(target: JsonWebhook, message: Message, policy: AddressPolicy) -> None:
    """Sends one message.

    Raises:
        SendFailed: when the receiver does not answer with a success.
        AddressRefused: when it is somewhere that messages may not go.
    """
    import aiohttp  # noqa: PLC0415 - 100 ms at start that a local server without notifications does not pay

    body = build_body(message)
    headers = {
        **target.headers,
        "Content-Type": "application/json",
        "User-Agent": "towpath",
        DELIVERY_HEADER: message.id,
    }
    if target.secret:
        headers[signing.HEADER] = signing.sign(body, target.secret.encode(), int(time.time()))
    refused: list[AddressRefused] = []

    def make_socket(found: Any) -> socket.socket:
        try:
            policy.check_sockaddr(found[4])
        except AddressRefused as refusal:
            refused.append(refusal)
            raise OSError(str(refusal)) from refusal
        return socket.socket(found[0], found[1], found[2])

    connector = aiohttp.TCPConnector(socket_factory=make_socket, force_close=True)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(target.url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            if not 200 <= answer.status < 300:
                raise SendFailed(f"The receiver answered with status {answer.status}.")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        if refused:
            raise refused[0] from error
        raise SendFailed(_explain(error)) from error


def _explain(error: Exception) -> str:
    """What went wrong, without the address, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return f"The receiver did not answer within {TIMEOUT_SECONDS:.0f} s."
    cause = getattr(error, "os_error", None)
    if isinstance(cause, socket.gaierror):
        return f"The receiver's name cannot be resolved: {cause.strerror}."
    if isinstance(cause, OSError) and cause.errno:
        return f"The receiver cannot be reached: {os.strerror(cause.errno)}."  # asyncio's own words name the address
    return f"The receiver cannot be reached ({type(error).__name__})."
