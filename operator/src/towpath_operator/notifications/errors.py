"""Why a message was not sent. One sentence each, shown to those who may read the notification; it never holds a secret."""


class SendFailed(Exception):  # noqa: N818 it is an outcome that is expected and kept
    """The channel could not take the message now: it is tried again."""


class AddressRefused(SendFailed):
    """The channel's address is one that messages may not go to."""
