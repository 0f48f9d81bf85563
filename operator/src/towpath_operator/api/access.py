"""Lets nobody in by default: every route declares what it needs, and answers only after its handler has asked for it.

`guarded` marks an endpoint; GuardedRoute refuses to be made for one without a mark, asks the app's gate for the caller before
the handler runs, and withholds the answer of a handler that forgot to check a namespace.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from towpath.contract.sessions import How
from towpath_operator.domain.access import Access, Scope
from towpath_operator.domain.refusals import Forbidden, InvalidRequest, Refusal
from towpath_operator.domain.storable import may_be_unstorable, storable
from towpath_operator.services.hub import Hub

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__towpath_access__"


class Who(NamedTuple):
    """Who a caller is, for itself to see.

    Attributes:
        how: what says so.
        csrf_token: what it must send with what changes something; None when the browser sends nothing by itself.
        expires: when its token ends, in seconds since 1970; None when that is not known.
    """

    user: str
    groups: tuple[str, ...]
    how: How
    csrf_token: str | None = None
    expires: float | None = None


class Permission(Protocol):
    """What a gate knows of one caller of one route."""

    @property
    def who(self) -> Who:
        """Who the caller is."""
        ...

    async def allow(self, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether the caller may `verb` the `resource` in `namespace`; None for all namespaces."""
        ...

    async def own(self, run_id: UUID, attempt: int, pod_uid: str | None) -> None:
        """Checks that the caller may speak for this attempt of the run.

        Raises:
            Forbidden: when it may not.
        """
        ...

    @property
    def home(self) -> str:
        """The namespace of runs that the caller's process began itself."""
        ...


class Gate(Protocol):
    """Decides who a request comes from."""

    @property
    def public_url(self) -> str | None:
        """Where people reach the pages, if something before the server changes the Host header."""
        ...

    async def admit(self, request: Request) -> Permission:
        """The caller.

        Raises:
            Unauthenticated, Forbidden: for a request that may not even be looked at.
        """
        ...


class Caller:
    """Who calls, and what the route needs. Handlers ask it before they answer."""

    def __init__(self, permission: Permission, access: Access, public_url: str | None = None) -> None:
        self._permission = permission
        self._access = access
        self.public_url = public_url
        self.checked = access.scope in (Scope.OPEN, Scope.KNOWN)

    @property
    def who(self) -> Who:
        """Who the caller is."""
        return self._permission.who

    async def may(self, verb: str, resource: str, namespace: str | None) -> bool:
        """Whether the caller might `verb` the `resource` in `namespace`; None for all. Says so, and lets nobody in."""
        return await self._permission.allow(verb, resource, namespace)

    @property
    def home(self) -> str:
        """The namespace of runs that the caller's process began itself."""
        return self._permission.home

    async def check(self, namespace: str | None, *, status: bool = False, resource: str | None = None) -> None:
        """Checks that the caller may use the route in `namespace`; None for all namespaces.

        Args:
            status: whether the resource's status is written, as the operator does.
            resource: another one than the route's, for a route that touches several.

        Raises:
            Forbidden: when it may not.
        """
        resource = resource or self._access.resource
        resource = f"{resource}/status" if status else resource
        if not await self._permission.allow(self._access.verb, resource, namespace):
            where = "in all namespaces: name one" if namespace is None else f"in namespace {namespace!r}"
            raise Forbidden(f"You may not {self._access.verb} {resource}.towpath.dev {where}.")
        self.checked = True

    async def check_all(self, namespaces: Sequence[str] | None) -> None:
        """Checks each of `namespaces`; None for all there are.

        Raises:
            Forbidden: when the caller may not use one of them.
            InvalidRequest: for an empty list, which asks for nothing and would be checked by nothing.
        """
        if namespaces is not None and not namespaces:
            raise InvalidRequest("The list of namespaces is empty: name one, or leave it out for all.")
        for namespace in namespaces if namespaces is not None else (None,):
            await self.check(namespace)
        self.checked = True

    async def check_other(self, verb: str, resource: str, namespace: str) -> None:
        """Checks a further right, to something that is not towpath.dev's, as `secrets.core`. It stands for no other check.

        Raises:
            Forbidden: when the caller does not have it.
        """
        if not await self._permission.allow(verb, resource, namespace):
            raise Forbidden(f"You may not {verb} {resource.removesuffix('.core')} in namespace {namespace!r}.")

    async def own(self, run_id: UUID, attempt: int, pod_uid: str | None = None) -> None:
        """Checks that the caller may speak for this attempt of the run."""
        await self._permission.own(run_id, attempt, pod_uid)
        self.checked = True


def guarded(access: Access) -> Callable[[F], F]:
    """Declares what the endpoint's route needs."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, access)
        return endpoint

    return mark


def get_access(endpoint: Callable[..., Any]) -> Access | None:
    """What the endpoint's route needs; None for one that does not say."""
    return getattr(endpoint, _MARK, None)


class GuardedRoute(APIRoute):
    """A route that nobody passes unchecked."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if get_access(endpoint) is None:
            raise TypeError(
                f"The route {path} does not declare what it needs: mark {endpoint.__name__} with `guarded`."
            )
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler between the check before it and the check after it."""
        handler = super().get_route_handler()
        access = get_access(self.endpoint)
        if access is None:
            raise TypeError(f"The route {self.path} does not declare what it needs.")

        async def handle(request: Request) -> Response:
            if access.scope is Scope.OPEN:
                return await handler(request)
            began, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
            try:
                response = await _guard(request, handler, access)
                status = response.status_code
                return response
            except Refusal as refusal:
                status = refusal.status
                raise
            except RequestValidationError:
                status = HTTPStatus.UNPROCESSABLE_ENTITY.value
                raise
            finally:
                hub: Hub = request.app.state.hub
                hub.metrics.note_request(self.name, status, time.perf_counter() - began)

        return handle


class _StorableRequest(Request):
    """A request whose JSON says nothing that a database cannot hold: the one place where it is read for a handler's models."""

    async def json(self) -> Any:
        """The body, as `storable` leaves it."""
        value = await super().json()
        return storable(value) if may_be_unstorable(await self.body()) else value


async def _guard(request: Request, handler: Callable[[Request], Awaitable[Response]], access: Access) -> Response:
    gate: Gate = request.app.state.gate
    caller = Caller(await gate.admit(request), access, gate.public_url)
    request.state.caller = caller
    response = await handler(_StorableRequest(request.scope, request.receive))
    if not caller.checked:
        logger.error("%s %s answered without asking who may: withheld", request.method, request.url.path)
        raise Forbidden("This route did not check who may use it.")
    return response


def get_caller(request: Request) -> Caller:
    """The caller of the request; for handlers, by Depends."""
    return request.state.caller
