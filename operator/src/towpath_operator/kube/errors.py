"""What can come of a call to the Kubernetes API server besides its answer. The whole tree:

KubeError
├── KubeUnavailable   no answer, one that asks to try again, or a token that is being rotated (401): retry
├── KubeNotFound      404
├── KubeConflict      409: it exists already, or has changed since it was read
└── KubeRefused       anything else that was refused: admission, quota, missing rights, a malformed document
"""


class KubeError(Exception):
    """The base.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
        message: what the API server said.
    """

    retryable = False

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message


class KubeUnavailable(KubeError):  # noqa: N818 each says what the server said
    """The API server could not be reached, or is too busy or broken at the moment."""

    retryable = True


class KubeNotFound(KubeError):  # noqa: N818 each says what the server said
    """There is no such object."""


class KubeConflict(KubeError):  # noqa: N818 each says what the server said
    """The object exists already, or has changed since it was read."""


class KubeRefused(KubeError):  # noqa: N818 each says what the server said
    """The API server refused the call."""

    @property
    def is_quota(self) -> bool:
        """Whether a ResourceQuota stands in the way, which may free up."""
        return self.status == 403 and "exceeded quota" in self.message


def to_error(status: int, message: str) -> KubeError:
    """The error for an HTTP status."""
    if status == 404:
        return KubeNotFound(status, message)
    if status == 409:
        return KubeConflict(status, message)
    if status in (0, 401, 408, 429) or status >= 500:
        return KubeUnavailable(status, message)
    return KubeRefused(status, message)
