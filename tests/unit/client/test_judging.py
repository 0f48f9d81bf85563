"""What an answer means for a batch, and how long to wait before the next try."""

import json
from typing import Any

import pytest

from towpath.client.judging import LONGEST_DELAY, RUN_NOT_FOUND, judge_answer, plan_delay
from towpath.client.transport import Answer
from towpath.contract.problems import Code


def answer(status: int, document: Any = None, retry_after: float | None = None) -> Answer:
    return Answer(status, json.dumps(document).encode() if document is not None else b"<html>", retry_after)


def test_a_success_is_stored_with_its_refused_items() -> None:
    judged = judge_answer(answer(200, {"applied": 1, "refused": [{"sequence": 7, "detail": "no kind"}]}), 2)
    assert judged.verdict == "stored"
    assert judged.refused == ((7, "no kind"),)
    assert not judged.stale


def test_a_stale_attempt_is_known_from_the_answer() -> None:
    assert judge_answer(answer(200, {"applied": 0, "stale": True}), 1).stale


def test_a_success_of_something_else_is_not_believed() -> None:
    assert judge_answer(answer(200), 1).verdict == "again"
    assert judge_answer(answer(200, ["hello"]), 1).verdict == "again"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 401, 403, 404])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert judge_answer(answer(status, {"detail": "not now."}), 3).verdict == "again"


def test_a_run_that_is_gone_is_final_and_a_wrong_address_is_not() -> None:
    assert judge_answer(answer(404, {"code": Code.RUN_NOT_FOUND, "detail": "no run"}), 3).verdict == "gone"
    assert judge_answer(answer(404, {"code": Code.NOT_FOUND, "detail": "There is no /events."}), 3).verdict == "again"
    assert Code.RUN_NOT_FOUND.value == RUN_NOT_FOUND


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_api_cannot_take_is_split_and_in_the_end_left_out(status: int) -> None:
    assert judge_answer(answer(status, {"detail": "x"}), 3).verdict == "split"
    assert judge_answer(answer(status, {"detail": "x"}), 1).verdict == "refused"


def test_the_time_that_the_server_names_counts() -> None:
    assert judge_answer(answer(429, {}, retry_after=5), 1).retry_after == 5
    assert 5 <= plan_delay(1, 5, lambda: 0.5) <= 6
    assert plan_delay(1, 86_400, lambda: 0.0) == 60


def test_delays_grow_up_to_a_limit_and_differ() -> None:
    longest = [plan_delay(failures, None, lambda: 0.0) for failures in range(1, 40)]
    assert longest == sorted(longest)
    assert longest[0] < 0.5
    assert longest[-1] == LONGEST_DELAY
    assert plan_delay(9, None, lambda: 1.0) == LONGEST_DELAY / 2
