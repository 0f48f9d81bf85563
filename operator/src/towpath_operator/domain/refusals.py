"""Why a request is refused. Raised by domain, services and store; the API turns each into a problem document.

One tree, drawn here: Refusal is the base, each child fixes the problem's code and HTTP status. Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from towpath.contract.problems import Code, FieldError

_MOST_ERRORS = 50


def field_errors(entries: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """What pydantic refused, by field and without the values: they may be secret.

    Args:
        entries: as pydantic's `errors()` gives them; of many the first are kept.
    """
    return [
        FieldError(field=".".join(str(part) for part in entry["loc"]) or "body", message=entry["msg"])
        for entry in islice(entries, _MOST_ERRORS)
    ]


class Refusal(Exception):  # noqa: N818 it is an answer, not a fault of ours
    """A request that was understood and not granted.

    Attributes:
        code: what programs may rely on.
        status: the HTTP status.
        detail: one sentence that says what to do next.
        errors: the fields at fault.
        retry_after: seconds after which asking again may help, None when it does not.
    """

    code: ClassVar[Code] = Code.INVALID_REQUEST
    status: ClassVar[int] = 422
    retry_after: ClassVar[int | None] = None

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)


class InvalidRequest(Refusal):
    """A field that is missing, unknown or out of bounds."""


class Unauthenticated(Refusal):
    """No token, or one that is not valid here."""

    code = Code.UNAUTHENTICATED
    status = 401


class Forbidden(Refusal):
    """A known caller who may not do this."""

    code = Code.FORBIDDEN
    status = 403


class NotFound(Refusal):
    """No such thing."""

    code = Code.NOT_FOUND
    status = 404


class RunNotFound(NotFound):
    """Events of a run that is gone: whoever told them need not send them again, whereas a wrong address is worth another try."""

    code = Code.RUN_NOT_FOUND


class Conflict(Refusal):
    """The request contradicts what is stored."""

    code = Code.CONFLICT
    status = 409


class NameTaken(Conflict):
    """Another resource declares the same name."""

    code = Code.NAME_TAKEN


class FlowNotFound(Refusal):
    """A deployment names a flow that nobody declared."""

    code = Code.FLOW_NOT_FOUND


class DeploymentNotFound(Refusal):
    """A run names a deployment that nobody declared."""

    code = Code.DEPLOYMENT_NOT_FOUND


class InvalidParameters(Refusal):
    """Parameters that the flow's schema refuses."""

    code = Code.INVALID_PARAMETERS


class InvalidSchema(Refusal):
    """A parameter schema that is no JSON schema."""

    code = Code.INVALID_SCHEMA


class InvalidSchedule(Refusal):
    """A cron expression, rule, duration or time zone that cannot be read."""

    code = Code.INVALID_SCHEDULE


class StaleAttempt(Conflict):
    """Another attempt, or another pod, holds the run."""

    code = Code.STALE_ATTEMPT


class TransitionRefused(Conflict):
    """The transition table does not let the run change so."""

    code = Code.TRANSITION_REFUSED


class RunEnded(Conflict):
    """The run needs nothing more."""

    code = Code.RUN_ENDED


class InvalidInput(Refusal):
    """Not the input that a paused run waits for."""

    code = Code.INVALID_INPUT


class LimitIsZero(Conflict):
    """A concurrency limit that lets nobody in."""

    code = Code.LIMIT_IS_ZERO


class TooLarge(Refusal):
    """A body beyond the bound."""

    code = Code.TOO_LARGE
    status = 413


class TooBusy(Refusal):
    """More is waiting to be written than may wait. Nothing was kept: send it again."""

    code = Code.TOO_BUSY
    status = 429
    retry_after = 1


class StoreUnavailable(Refusal):
    """The database cannot be read or written now. Nothing was kept: send it again."""

    code = Code.STORE_UNAVAILABLE
    status = 503
    retry_after = 2


class ReviewsUnavailable(StoreUnavailable):
    """Kubernetes cannot be asked who may do this now. Nothing was kept: send it again."""


class ResourcesUnavailable(StoreUnavailable):
    """Kubernetes cannot be asked to write now. Nothing was kept, or not all of it: send it again."""
