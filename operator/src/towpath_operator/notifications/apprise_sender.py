"""Starts a process for each message that goes through apprise, and waits for its outcome."""

import asyncio
import contextlib
import json
import os
import sys

from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.channels import AppriseUrls
from towpath_operator.notifications.errors import AddressRefused, SendFailed
from towpath_operator.notifications.messages import Message

TIMEOUT_SECONDS = 60.0
_COMMAND = (sys.executable, "-m", "towpath_operator.notifications.apprise_worker")
_KEPT = ("PATH", "PYTHONPATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""What of the environment the process needs. The rest, as the database's address and proxies, is none of its business."""


async def send(target: AppriseUrls, message: Message, policy: AddressPolicy) -> None:
    """Sends one message.

    Raises:
        SendFailed: when the service does not take it.
        AddressRefused: when it is somewhere that messages may not go.
    """
    networks = ",".join(str(network) for network in policy.allowed)
    request = {"urls": list(target.urls), "title": message.title, "body": message.body, "networks": networks}
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=environment, cwd="/"
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            told, _ = await process.communicate(json.dumps(request).encode())
    except TimeoutError:
        raise SendFailed(f"The service did not take the message within {TIMEOUT_SECONDS:.0f} s.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        outcome = json.loads(told)
    except ValueError:
        raise SendFailed(f"The process that sends messages ended with {process.returncode} and said nothing.") from None
    if outcome["refused"]:
        raise AddressRefused(outcome["error"])
    if outcome["error"]:
        raise SendFailed(outcome["error"])
