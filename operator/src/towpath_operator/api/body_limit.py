"""Bounds the bodies of requests, before anything reads them into memory. ASGI; around the whole app."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from towpath.contract.limits import MAX_BATCH_BYTES
from towpath_operator.api.problems import refusal_response
from towpath_operator.domain.refusals import TooLarge


class BodyLimit:
    """Refuses a body of more than `limit` bytes with a problem: by its announced length, else where it passes the bound."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BATCH_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = TooLarge(f"A request may have {self._limit} bytes: send smaller ones.")
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limit:
            await refusal_response(refusal)(scope, receive, send)
            return
        read = 0

        async def receive_bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise refusal
            return message

        await self._app(scope, receive_bounded, send)
