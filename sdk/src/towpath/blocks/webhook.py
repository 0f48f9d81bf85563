"""`Webhook`, under Prefect's name for it. Called by users' flows."""

from towpath.blocks.notifications import Webhook

__all__ = ["Webhook"]
