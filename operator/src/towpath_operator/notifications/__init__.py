"""Sends messages out of the cluster: channels, their addresses, templates and signatures.

Called by services.notifying, which knows what is to be sent to whom. Knows no database and no Kubernetes. One module for each way
of sending (`webhook`, `apprise_sender`); `channels` chooses between them by the block's type.
"""
