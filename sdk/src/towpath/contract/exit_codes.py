"""What a runner's exit code says of its attempt. Anything that is not here is a fault of the infrastructure."""

from typing import Final

STORED: Final = 0
"""The run's end is stored by the API, whatever that end is: there is nothing left to report."""

FAILED: Final = 70
"""The flow failed by its own doing. Kubernetes must not run the Job again."""

STALE_ATTEMPT: Final = 71
"""Another attempt holds the run. This pod has changed nothing."""

CODE_NOT_LOADABLE: Final = 72
"""The flow's code could not be fetched or imported, or holds no such flow: the run is Failed."""

USER_FAILURES: Final = (FAILED, CODE_NOT_LOADABLE)
"""Ends that `infraRetries` never covers."""
