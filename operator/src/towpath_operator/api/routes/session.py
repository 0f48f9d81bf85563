"""Routes of a caller's own session: who it is, what it may do, and a cookie for browsers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from towpath.contract.resources import KINDS
from towpath.contract.sessions import NamespaceRights, SessionRead
from towpath_operator.api.access import Caller, GuardedRoute, Who, guarded
from towpath_operator.api.browser import LONGEST_SECONDS, delete_cookie, make_csrf_token, read_bearer, set_cookie
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import KNOWN, OPEN
from towpath_operator.services.hub import Hub

router = APIRouter(prefix="/session", tags=["session"], route_class=GuardedRoute)

MOST_NAMESPACES: Final = 20
AT_ONCE: Final = 16
VERBS: Final = ("list", "create", "update", "delete")
RESOURCES: Final = tuple(kind.plural for kind in KINDS)
Namespaces = Annotated[
    list[str] | None,
    Query(
        alias="namespace", max_length=MOST_NAMESPACES, description="May repeat; those that hold something if left out."
    ),
]


@router.post("", operation_id="begin_session")
@guarded(KNOWN)
async def begin(request: Request, response: Response, hub: TheHub, caller: TheCaller) -> SessionRead:
    """Turns the bearer token of this request into a cookie, which the browser sends from then on and no script can read."""
    who = caller.who
    token = read_bearer(request)
    if who.how == "token" and token is not None:
        left = LONGEST_SECONDS if who.expires is None else who.expires - time.time()
        set_cookie(request, response, token, left, caller.public_url)
        who = who._replace(how="cookie", csrf_token=make_csrf_token(token))
    response.headers["Cache-Control"] = "no-store"
    return await _describe(hub, caller, who, None)


@router.get("", operation_id="get_session")
@guarded(KNOWN)
async def get(response: Response, hub: TheHub, caller: TheCaller, namespace: Namespaces = None) -> SessionRead:
    """Shows who the caller is and what it may do, in all namespaces and in single ones."""
    response.headers["Cache-Control"] = "no-store"
    return await _describe(hub, caller, caller.who, namespace)


@router.delete("", status_code=204, operation_id="end_session")
@guarded(OPEN)
async def end(request: Request, response: Response) -> None:
    """Makes the browser forget its cookie, valid or not. The token itself lasts until its own end."""
    delete_cookie(request, response, request.app.state.gate.public_url)


async def _describe(hub: Hub, caller: Caller, who: Who, wanted: list[str] | None) -> SessionRead:
    turns = asyncio.Semaphore(AT_ONCE)

    async def may(verb: str, resource: str, namespace: str | None) -> bool:
        async with turns:
            return await caller.may(verb, resource, namespace)

    async def rights(namespace: str | None, known: dict[str, list[str]]) -> dict[str, list[str]]:
        asked = [(res, verb) for res in RESOURCES for verb in VERBS if verb not in known.get(res, ())]
        verdicts = await asyncio.gather(*(may(verb, resource, namespace) for resource, verb in asked))
        allowed = {(resource, verb) for (resource, verb), verdict in zip(asked, verdicts, strict=True) if verdict}
        allowed |= {(resource, verb) for resource, verbs in known.items() for verb in verbs}
        return {res: shown for res in RESOURCES if (shown := [verb for verb in VERBS if (res, verb) in allowed])}

    everywhere = await rights(None, {})
    shown = wanted if wanted is not None else await _list_visible(hub, everywhere, may)
    truncated = len(shown) > MOST_NAMESPACES
    shown = shown[:MOST_NAMESPACES]
    found = await asyncio.gather(*(rights(namespace, everywhere) for namespace in shown))
    return SessionRead(
        user=who.user,
        groups=list(who.groups),
        how=who.how,
        csrf_token=who.csrf_token,
        expires=None if who.expires is None else datetime.fromtimestamp(who.expires, UTC),
        everywhere=everywhere,
        namespaces=[NamespaceRights(namespace=name, allowed=each) for name, each in zip(shown, found, strict=True)],
        truncated=truncated,
    )


async def _list_visible(
    hub: Hub, everywhere: dict[str, list[str]], may: Callable[[str, str, str | None], Awaitable[bool]]
) -> list[str]:
    """The namespaces that hold something and whose runs the caller may list."""
    held = await hub.list_namespaces()
    if "list" in everywhere.get("flowruns", ()):
        return list(held)
    verdicts = await asyncio.gather(*(may("list", "flowruns", namespace) for namespace in held))
    return [namespace for namespace, verdict in zip(held, verdicts, strict=True) if verdict]
