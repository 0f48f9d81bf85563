"""Signs the bodies of webhooks, so that a receiver knows who sent them, and when. Pure.

    Towpath-Signature: t=1767225600,v1=5257a869e7...

`v1` is the HMAC-SHA256, in hexadecimal, of the time in `t` (seconds since 1970, as it stands there), a dot and the body as it was
sent, with the channel's secret as the key. A receiver computes the same, compares in constant time, and refuses a time that is
more than five minutes from its own, so that a message that was recorded cannot be sent again later.
The API signs notifications by this, the block `Webhook` its messages; receivers in Python may use `verify`.
"""

import hashlib
import hmac
from typing import Final

HEADER: Final = "Towpath-Signature"
TOLERANCE_SECONDS: Final = 300


def sign(body: bytes, secret: bytes, now: int) -> str:
    """The header's value for a body that is sent at `now`, in seconds since 1970."""
    return f"t={now},v1={_digest(body, secret, now)}"


def verify(header: str, body: bytes, secret: bytes, now: int) -> bool:
    """Whether the header is right for the body, and of this time."""
    fields: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition("=")
        fields[name] = value
    if not fields.get("t", "").isdigit() or "v1" not in fields:
        return False
    then = int(fields["t"])
    right = hmac.compare_digest(fields["v1"].encode(), _digest(body, secret, then).encode())
    return right and abs(now - then) <= TOLERANCE_SECONDS


def _digest(body: bytes, secret: bytes, time: int) -> str:
    return hmac.new(secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
