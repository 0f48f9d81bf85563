"""Signs the bodies of webhooks, as `towpath.contract.signing` says."""

from towpath.contract.signing import HEADER, TOLERANCE_SECONDS, sign, verify

__all__ = ["HEADER", "TOLERANCE_SECONDS", "sign", "verify"]
