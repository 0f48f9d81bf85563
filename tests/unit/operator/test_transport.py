"""How the operator's client reads the API's answers, and its token as it rotates."""

from pathlib import Path

import httpx
import pytest

from towpath.contract.problems import FieldError, Problem
from towpath_operator.apiclient.errors import ApiRefused, ApiUnavailable
from towpath_operator.apiclient.transport import TokenFile, Transport, normalize_api_url

PROBLEM = Problem(
    title="No",
    status=422,
    code="invalid_parameters",
    detail="The parameters are wrong.",
    errors=[FieldError(field="parameters.n", message="must be a number")],
)


def answering(status: int, content: bytes = b"{}") -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, content=content))


async def test_a_success_is_its_body() -> None:
    transport = Transport("http://api", http=answering(200, b'{"a": 1}'))
    assert await transport.send("GET", "/flows") == b'{"a": 1}'


async def test_a_problem_is_a_refusal_that_names_its_fields() -> None:
    transport = Transport("http://api", http=answering(422, PROBLEM.model_dump_json().encode()))
    with pytest.raises(ApiRefused) as refused:
        await transport.send("POST", "/flow-runs", body=b"{}")
    assert refused.value.code == "invalid_parameters"
    assert refused.value.sentence == "The parameters are wrong. (parameters.n: must be a number)"
    assert not refused.value.retryable


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_api_that_is_busy_or_broken_may_be_asked_again(status: int) -> None:
    with pytest.raises(ApiUnavailable) as unavailable:
        await Transport("http://api", http=answering(status)).send("GET", "/flows")
    assert unavailable.value.retryable


async def test_an_api_that_does_not_answer_may_be_asked_again() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(ApiUnavailable, match="connection refused"):
        await Transport("http://api", http=httpx.MockTransport(refuse)).send("GET", "/flows")


async def test_an_answer_that_is_no_problem_document_is_a_refusal_all_the_same() -> None:
    with pytest.raises(ApiRefused, match="<html>"):
        await Transport("http://api", http=answering(404, b"<html>")).send("GET", "/flows")


async def test_the_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200)

    file = tmp_path / "token"
    file.write_text("one\n")
    transport = Transport("http://api", TokenFile(file), httpx.MockTransport(answer))
    await transport.send("GET", "/flows")
    other = tmp_path / "other"
    other.write_text("two\n")
    other.replace(file)
    await transport.send("GET", "/flows")
    assert seen == ["Bearer one", "Bearer two"]


async def test_a_missing_token_may_come_later(tmp_path: Path) -> None:
    with pytest.raises(ApiUnavailable, match="token"):
        await Transport("http://api", TokenFile(tmp_path / "none"), answering(200)).send("GET", "/flows")


@pytest.mark.parametrize("url", ["http://api:4200", "http://api:4200/", "http://api:4200/api", "http://api:4200/api/"])
def test_the_address_ends_in_api_however_it_is_given(url: str) -> None:
    assert normalize_api_url(url) == "http://api:4200/api"
