"""What can come of a call to the API besides its answer. The whole tree:

ApiError
├── ApiUnavailable   no answer, or one that asks to try again: retry
└── ApiRefused       the API understood and said no: a retry of the same call does not help
"""

from collections.abc import Sequence

from towpath.contract.problems import Code, FieldError, Problem


class ApiError(Exception):
    """The base. `retryable` says whether the same call may succeed later."""

    retryable = False


class ApiUnavailable(ApiError):  # noqa: N818 each says what the server said
    """The API could not be reached, or answered that it is too busy or broken at the moment."""

    retryable = True


class ApiRefused(ApiError):  # noqa: N818 each says what the server said
    """The API refused the call.

    Attributes:
        status: the HTTP status.
        code: one of towpath.contract.problems.Code.
        detail: a sentence with what to do next.
        errors: the fields at fault.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.status = problem.status
        self.code = problem.code
        self.detail = problem.detail
        self.errors: Sequence[FieldError] = problem.errors

    @property
    def sentence(self) -> str:
        """The detail, with the fields at fault where the detail does not name them."""
        missing = [e for e in self.errors if e.field not in self.detail]
        named = "; ".join(f"{error.field}: {error.message}" for error in missing)
        return f"{self.detail} ({named})" if named else self.detail

    @property
    def is_not_found(self) -> bool:
        """Whether what the path names does not exist."""
        return self.code == Code.NOT_FOUND
