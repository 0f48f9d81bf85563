"""The API's answers as the operator reads them: a newer API says more, a broken one says nothing that can be read."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.operator import make_claim, make_run
from towpath.contract.declared import FlowRead
from towpath.contract.runs import ClaimRequest
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.errors import ApiUnavailable
from towpath_operator.apiclient.transport import Transport


def api_saying(content: Any) -> ApiClient:
    text = content if isinstance(content, str) else json.dumps(content)
    return ApiClient(Transport("http://api", http=httpx.MockTransport(lambda _: httpx.Response(200, text=text))))


async def test_fields_of_a_newer_api_are_ignored_at_every_depth() -> None:
    claim = make_claim().model_dump(mode="json", by_alias=True)
    claim["novel"] = 1
    claim["flow"]["spec"] |= {"novel": {"a": 1}}
    claim["deployment"]["spec"] |= {"novel": [1]}
    claim["work_queue"]["spec"] |= {"novel": None}
    claim["run"]["resource"] |= {"novel": "x"}
    (read,) = (await api_saying({"items": [claim]}).claim(ClaimRequest(holder="operator"))).items
    assert read == make_claim()


@pytest.mark.parametrize("content", ["", "<html>", "null", "[]", "{}", '{"items": [{"id": 1}], "total": 1}'])
async def test_an_answer_that_cannot_be_read_may_be_asked_for_again(content: str) -> None:
    api = api_saying(content)
    with pytest.raises(ApiUnavailable, match="cannot be read") as unavailable:
        await api.find_flow_run(uuid4())
    assert unavailable.value.retryable
    with pytest.raises(ApiUnavailable, match="cannot be read"):
        await api.get_changes(None, 0)
    with pytest.raises(ApiUnavailable, match="cannot be read"):
        await anext(api.list_declared("flows", FlowRead))


async def test_the_field_at_fault_is_named() -> None:
    run = make_run().model_dump(mode="json", by_alias=True) | {"attempt": "many"}
    with pytest.raises(ApiUnavailable, match="at attempt"):
        await api_saying(run).find_flow_run(uuid4())
