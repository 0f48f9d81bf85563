"""Decides what an answer of `POST /api/events` means for the batch, and how long to wait before the next try. Pure.

Called by `sending` and `backlog`.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import orjson

from towpath.client.transport import Answer

RUN_NOT_FOUND: Final = "run_not_found"
"""The problem code of a run that is gone; its enumeration would load pydantic before a flow's first line runs."""
FIRST_DELAY: Final = 0.2
LONGEST_DELAY: Final = 10.0
LONGEST_ASKED_DELAY: Final = 60.0
"""A server that asks for more is asked again after this: its answer may be out of date by then."""


class Judgement(NamedTuple):
    """What to do with a batch.

    Attributes:
        verdict: `stored`; `again` when the same batch may be taken later; `split` when a smaller one may be; `refused`
            when this one never will be; `gone` when its run no longer exists.
        reason: why it is not stored, as a sentence without its full stop.
        retry_after: seconds that the server wants to be left alone; None when it names no time.
        refused: numbers and reasons of items that were not kept.
        stale: whether another attempt holds the run.
    """

    verdict: Literal["stored", "again", "split", "refused", "gone"]
    reason: str = ""
    retry_after: float | None = None
    refused: tuple[tuple[int, str], ...] = ()
    stale: bool = False


def judge_answer(answer: Answer, items: int) -> Judgement:
    """What `answer` means for a batch of `items` events."""
    document = _read_document(answer.body)
    if 200 <= answer.status < 300:
        if "applied" not in document:
            return Judgement("again", "what answers is not Towpath's API: check TOWPATH_API_URL")
        return Judgement("stored", refused=_read_refused(document), stale=document.get("stale") is True)
    detail = str(document.get("detail") or "").rstrip(". ") or f"the API answered with status {answer.status}"
    if answer.status in (400, 413, 422):
        return Judgement("split" if items > 1 else "refused", detail)
    if answer.status in (401, 403):
        return Judgement("again", f"the API does not accept the token: {detail}")
    if answer.status == 404 and document.get("code") == RUN_NOT_FOUND:
        return Judgement("gone", detail)
    if answer.status == 404:
        return Judgement("again", f"there is no API under this address, check TOWPATH_API_URL: {detail}")
    return Judgement("again", detail, answer.retry_after)


def _read_document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _read_refused(document: dict[str, Any]) -> tuple[tuple[int, str], ...]:
    refused: Any = document.get("refused")
    if not isinstance(refused, list):
        return ()
    return tuple((int(item["sequence"]), str(item["detail"])) for item in refused if _is_refused_item(item))


def _is_refused_item(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("sequence"), int) and "detail" in item


def plan_delay(failures: int, retry_after: float | None, random: Callable[[], float]) -> float:
    """Seconds to wait after the given number of failures in a row.

    Doubles up to ten seconds, less a random part of up to half, so that many pods do not come back at once; what the server
    asks for counts instead, with a random tenth on top.
    """
    if retry_after is not None:
        return min(retry_after, LONGEST_ASKED_DELAY) * (1 + random() / 10) + random() * FIRST_DELAY
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 16))
    return longest * (1 - random() / 2)
