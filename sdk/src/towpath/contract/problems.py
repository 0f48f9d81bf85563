"""Errors on the wire: RFC 9457 problem documents with a `code` that programs may rely on."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

CONTENT_TYPE = "application/problem+json"


class Code(StrEnum):
    """Why a request was refused. Added to, never renamed."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RUN_NOT_FOUND = "run_not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    NAME_TAKEN = "name_taken"
    FLOW_NOT_FOUND = "flow_not_found"
    DEPLOYMENT_NOT_FOUND = "deployment_not_found"
    INVALID_PARAMETERS = "invalid_parameters"
    INVALID_SCHEMA = "invalid_schema"
    INVALID_SCHEDULE = "invalid_schedule"
    STALE_ATTEMPT = "stale_attempt"
    TRANSITION_REFUSED = "transition_refused"
    RUN_ENDED = "run_ended"
    LIMIT_IS_ZERO = "limit_is_zero"
    INVALID_INPUT = "invalid_input"
    TOO_LARGE = "too_large"
    TOO_BUSY = "too_busy"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL = "internal"


class FieldError(BaseModel):
    """One field that was refused, and what would be right."""

    field: str
    message: str


class Problem(BaseModel):
    """The body of every answer that is not a success.

    Attributes:
        code: one of Code; a string, so that older clients read newer servers.
        detail: one sentence with what to do next.
        errors: the fields at fault, where there are any.
    """

    type: str = "about:blank"
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    detail: str
    errors: list[FieldError] = []
