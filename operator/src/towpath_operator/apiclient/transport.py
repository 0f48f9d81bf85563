"""Sends one request to the API and reads its answer: token, timeouts, and the one mapping of failures to ApiError.

Called by client. The retry policy, stated here for all: a call is made once. Every call of the protocol may be repeated,
so whoever makes it repeats it with its own backoff (the reconcilers' work queue, the claim and change loops, kopf's handlers).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from towpath.contract.problems import Problem
from towpath_operator.apiclient.errors import ApiRefused, ApiUnavailable

Query = str | int | float | list[str]
"""A query parameter; a list repeats it."""

_RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_CONNECTIONS = 64


def normalize_api_url(url: str) -> str:
    """The API's address as TOWPATH_API_URL holds it: with `/api` at its end, which people leave out."""
    plain = url.rstrip("/")
    return plain if plain.endswith("/api") else f"{plain}/api"


class TokenFile:
    """A token in a file that is rotated under us: read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._token = ""

    def read(self) -> str:
        """The token as it is now.

        Raises:
            ApiUnavailable: the file cannot be read.
        """
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp != self._stamp:
                self._token = self._path.read_text(encoding="ascii").strip()
                self._stamp = stamp
        except (OSError, UnicodeError) as error:
            raise ApiUnavailable(f"The token for the API cannot be read from {self._path}: {error}") from error
        return self._token


class Transport:
    """Requests to one API.

    Args:
        base_url: the API's address, as TOWPATH_API_URL holds it (`http://host:4200/api`).
        token: where the bearer token comes from; None to send none (an API that trusts loopback).
        http: an httpx transport for tests.
    """

    def __init__(
        self, base_url: str, token: TokenFile | None = None, http: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._token = token
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        timeout = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        self._http = httpx.AsyncClient(
            base_url=normalize_api_url(base_url), timeout=timeout, limits=limits, transport=http, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, Query] | None = None,
        wait_seconds: float = 0,
    ) -> bytes:
        """The body of the answer to one request.

        Args:
            method: the HTTP method.
            path: the path below `/api`.
            body: JSON.
            query: query parameters.
            wait_seconds: how long the API may hold a waiting request, on top of the time it has to answer.

        Raises:
            ApiUnavailable: no answer, or one that asks to try again.
            ApiRefused: the API said no.
        """
        headers = {"content-type": "application/json"} if body is not None else {}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.read()}"
        timeout = httpx.Timeout(_ANSWER_SECONDS + wait_seconds, connect=_CONNECT_SECONDS)
        try:
            answer = await self._http.request(
                method, path, content=body, params=query, headers=headers, timeout=timeout
            )
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise ApiUnavailable(f"The API at {self._http.base_url} does not answer: {what}") from error
        if answer.is_success:
            return answer.content
        raise _to_error(answer)


def _to_error(answer: httpx.Response) -> ApiUnavailable | ApiRefused:
    problem = _read_problem(answer)
    if answer.status_code in _RETRYABLE_STATUSES:
        return ApiUnavailable(f"The API answered {answer.status_code}: {problem.detail}")
    return ApiRefused(problem)


def _read_problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        detail: Any = answer.text[:500] or answer.reason_phrase
        return Problem(title=answer.reason_phrase, status=max(answer.status_code, 400), code="unknown", detail=detail)
