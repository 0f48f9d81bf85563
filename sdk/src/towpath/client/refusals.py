"""What an answer that is no success means, as an error of `towpath.errors`. Pure; called by `api` and `questions`.

Reads the problem document without its model, since what asks in the midst of a flow does not load pydantic.
"""

from typing import Any, Final, cast

import orjson

from towpath.errors import ApiError, ApiRefused, ApiUnavailable, NotFound, StaleAttempt

_BUSY: Final = frozenset({"too_busy", "store_unavailable"})


def map_refusal(url: str, status: int, content: bytes) -> ApiError:
    """The error for an answer that is not a success."""
    problem = _read(content)
    code, detail = problem.get("code"), problem.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        if status >= 500:
            return ApiUnavailable(f"The API at {url} answers with status {status}.")
        return ApiRefused(
            f"What answers at {url} (status {status}) is not Towpath's API: check TOWPATH_API_URL.", status
        )
    more = [f"{field}: {message}" for field, message in _fields(problem) if message not in detail]
    message = f"{detail.rstrip('.')} ({'; '.join(more)})." if more else detail
    if status in (429, 502, 503, 504) or code in _BUSY:
        return ApiUnavailable(message)
    if code == "stale_attempt":
        return StaleAttempt(message, status, code)
    if status == 404:
        return NotFound(message, status, code)
    return ApiRefused(message, status, code)


def _read(content: bytes) -> dict[str, Any]:
    try:
        problem = orjson.loads(content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _fields(problem: dict[str, Any]) -> list[tuple[str, str]]:
    errors: Any = problem.get("errors")
    if not isinstance(errors, list):
        return []
    found = [cast("dict[str, Any]", error) for error in errors if isinstance(error, dict)]
    return [(str(error.get("field")), str(error.get("message"))) for error in found]
