"""Answers every error as an RFC 9457 problem. The one place that turns exceptions into HTTP."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from towpath.contract.problems import CONTENT_TYPE, Code, FieldError, Problem
from towpath_operator.domain.refusals import Refusal, Unauthenticated, field_errors

logger = logging.getLogger(__name__)


def problem_response(
    status: int, code: Code, detail: str, errors: list[FieldError] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The answer for one problem."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, code=code.value, detail=detail, errors=errors or []
    )
    return Response(problem.model_dump_json(), status, headers, CONTENT_TYPE)


def refusal_response(refusal: Refusal) -> Response:
    """The answer for a refused request."""
    headers: dict[str, str] = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(refusal.status, refusal.code, refusal.detail, refusal.errors, headers)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return refusal_response(error)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = field_errors(error.errors())
    told = "; ".join(f"{entry.field}: {entry.message}" for entry in errors[:3])
    return problem_response(422, Code.INVALID_REQUEST, f"The request is not valid: {told}", errors)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        try:
            await request.app.state.gate.admit(request)  # who may not enter learns not even which routes there are
        except Refusal as refusal:
            return refusal_response(refusal)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(
            404, Code.NOT_FOUND, f"There is no {request.url.path}: /api/openapi.json names the routes."
        )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.url.path} does not take {request.method}."
        return problem_response(405, Code.METHOD_NOT_ALLOWED, detail, headers=headers)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return problem_response(413, Code.TOO_LARGE, "The request's body is too large.")
    return problem_response(error.status_code, Code.INVALID_REQUEST, str(error.detail), headers=headers)


async def _failed(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, Code.INTERNAL, "The server failed to do this; its log says why.")


def add_problem_handlers(app: FastAPI) -> None:
    """Registers the handlers."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _failed)
