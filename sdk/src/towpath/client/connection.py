"""A connection that asks the API for models of the contract. Called by the clients of `api` and its two halves.

Knows no path. Retries nothing.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from towpath.client.refusals import map_refusal
from towpath.client.tokens import TokenSource
from towpath.client.transport import Transport
from towpath.contract.runs import Page
from towpath.errors import ApiError, SettingsError
from towpath.settings import Settings

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
PAGE_SIZE = 200


class ApiConnection:
    """A connection that asks for models. A context manager; close it when done.

    Args:
        url: the API's address, ending in `/api`.
        tokens: where the token for each request comes from.
        timeout: seconds that one request may take.
    """

    def __init__(self, url: str, tokens: TokenSource, timeout: float = 30.0) -> None:
        self._transport = Transport(url, tokens, timeout)

    @classmethod
    def over(cls, transport: Transport) -> Self:
        """The client that speaks over this connection."""
        client = cls.__new__(cls)
        client._transport = transport
        return client

    @property
    def url(self) -> str:
        """The API's address, ending in `/api`."""
        return self._transport.url

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The client that the settings ask for.

        Raises:
            SettingsError: they name no API.
        """
        if settings.api_url is None:
            raise SettingsError(
                "No API is set: start one with `towpath server start`, then say where it is with "
                "`towpath config set TOWPATH_API_URL=http://127.0.0.1:4200/api`."
            )
        return cls(settings.api_url, TokenSource.of(settings), settings.request_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def interrupt(self) -> None:
        """Gives the connection up, from any thread: a request that waits for its answer fails at once, and all that follow."""
        self._transport.interrupt()

    def ask(
        self,
        method: str,
        path: str,
        answer: type[M],
        *,
        params: dict[str, Any] | None = None,
        body: BaseModel | None = None,
    ) -> M:
        """The answer to one request, as a model.

        Args:
            answer: the model.
            params: the query; what is None is left out.
            body: what is sent as JSON, without the fields that were not set.

        Raises:
            ApiError: the API refuses it, or does not answer, or not with such a model.
        """
        query = urlencode({name: value for name, value in (params or {}).items() if value is not None}, doseq=True)
        content = body.model_dump_json(exclude_unset=True).encode() if body is not None else None
        response = self.request(method, f"{path}?{query}" if query else path, content)
        try:
            return answer.model_validate_json(response)
        except ValidationError as error:
            raise ApiError(
                f"The answer of {self.url}{path} cannot be read ({error.error_count()} fields differ): "
                "is it the API of this version of Towpath?"
            ) from error

    def request(
        self, method: str, path: str, content: bytes | None = None, content_type: str = "application/json"
    ) -> bytes:
        """The body of the answer to one request.

        Raises:
            ApiError: the API refuses it, or does not answer.
        """
        response = self._transport.request(method, path, content, content_type)
        if not 200 <= response.status < 300:
            raise map_refusal(self.url, response.status, response.body)
        return response.body


def iterate(list_page: Callable[..., Page[T]], *, most: int | None = None, **filters: Any) -> Iterator[T]:
    """Every item of a list, page by page.

    Args:
        list_page: a `list_...` method of ApiClient.
        most: items at most; None for all.
    """
    cursor: str | None = None
    left = most
    while left is None or left > 0:
        limit = PAGE_SIZE if left is None else min(PAGE_SIZE, left)
        page = list_page(**filters, limit=limit, cursor=cursor)
        items = page.items if left is None else page.items[:left]
        yield from items
        left = None if left is None else left - len(items)
        cursor = page.next_cursor
        if cursor is None:
            return
