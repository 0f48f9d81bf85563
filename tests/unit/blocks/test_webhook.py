"""The webhook block: how it calls, what it gives back, and where it may lead. Against a real server on loopback."""

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from towpath.blocks import calls
from towpath.blocks.core import SecretDict
from towpath.blocks.webhook import Webhook
from towpath.contract.signing import HEADER, verify
from towpath.errors import NotificationError


@dataclass
class Call:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and what is answered."""

    port: int = 0
    status: int = 200
    answer: bytes = b'{"barge": "Ada"}'
    received: list[Call] = field(default_factory=list[Call])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?key=hush"

    @property
    def last(self) -> Call:
        return self.received[-1]


@pytest.fixture
def receiver() -> Generator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.received.append(Call(self.command, self.path, headers, body))
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("X-Barge", "Ada")
            self.send_header("Content-Length", str(len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = take  # noqa: N815 - the names that the server looks for

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(60)


def make(receiver: Receiver, **fields: Any) -> Webhook:
    given: dict[str, Any] = {"url": SecretStr(receiver.url), **fields}
    return Webhook(**given)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_it_calls_by_its_method_and_gives_the_answer(receiver: Receiver, method: Any) -> None:
    answer = make(receiver, method=method).call()
    assert (receiver.last.method, receiver.last.path, receiver.last.body) == (method, "/in?key=hush", b"")
    assert (answer.status_code, answer.headers["x-barge"]) == (200, "Ada")
    assert (answer.json(), answer.text) == ({"barge": "Ada"}, '{"barge": "Ada"}')


@pytest.mark.parametrize(
    ("payload", "body", "kind"),
    [
        ({"barge": ["Ada", 1]}, b'{"barge": ["Ada", 1]}', "application/json"),
        ([], b"[]", "application/json"),
        (0, b"0", "application/json"),
        ("Zuräck", "Zuräck".encode(), "text/plain; charset=utf-8"),
    ],
)
def test_a_text_goes_as_it_is_and_all_else_as_json(receiver: Receiver, payload: Any, body: bytes, kind: str) -> None:
    make(receiver).call(payload)
    assert (receiver.last.body, receiver.last.headers["content-type"]) == (body, kind)


def test_headers_are_sent_over_its_own(receiver: Receiver) -> None:
    make(receiver, headers=SecretDict({"content-type": "application/xml", "X-Key": 7})).call("<barge/>")
    assert (receiver.last.headers["content-type"], receiver.last.headers["x-key"]) == ("application/xml", "7")


def test_what_is_sent_is_signed_where_there_is_a_secret(receiver: Receiver) -> None:
    make(receiver, secret=SecretStr("sesame")).call({"a": 1})
    header = receiver.last.headers[HEADER.lower()]
    assert verify(header, receiver.last.body, b"sesame", int(header.removeprefix("t=").partition(",")[0]))


def test_messages_are_posted_whatever_its_method_is(receiver: Receiver) -> None:
    make(receiver, method="GET").notify("The barge has arrived.", "Cargo")
    assert receiver.last.method == "POST"
    assert json.loads(receiver.last.body) == {"title": "Cargo", "body": "The barge has arrived."}


async def test_in_coroutines_it_is_awaited(receiver: Receiver) -> None:
    called: Any = make(receiver).call
    assert (await called({"a": 1})).json() == {"barge": "Ada"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_anything_but_a_success_is_an_error_without_the_address(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(NotificationError, match=f"status {status}") as caught:
        make(receiver).call({"a": 1})
    assert "hush" not in str(caught.value)
    assert len(receiver.received) == 1, "no redirect is followed"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1/hush", {}),
        ("ftp://example.org/hush", {}),
        ("http://127.0.0.1:hush/", {}),
        ("http://127.0.0.1:1/", {"X-Key": "hush\n"}),
    ],
)
def test_what_cannot_be_reached_is_said_without_the_secrets(url: str, headers: dict[str, str]) -> None:
    with pytest.raises(NotificationError) as caught:
        Webhook(url=SecretStr(url), headers=SecretDict(headers)).call({"a": 1})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_of_this_machine_and_private_networks_are_refused_where_they_are_not_allowed(
    receiver: Receiver, scheme: str, host: str
) -> None:
    webhook = Webhook(url=SecretStr(f"{scheme}://{host}:{receiver.port}/hush"), allow_private_urls=False)
    with pytest.raises(NotificationError, match="allow_private_urls") as caught:
        webhook.call({"a": 1})
    with pytest.raises(NotificationError, match="allow_private_urls"):
        webhook.notify("x")
    assert "hush" not in str(caught.value)
    assert receiver.received == []


def test_a_public_address_is_reached_and_no_proxy_stands_between(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "is_public", lambda _: True)  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert make(receiver, allow_private_urls=False).call({"a": 1}).status_code == 200


def test_an_answer_that_is_too_large_is_not_kept(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_BYTES", 10)
    with pytest.raises(NotificationError, match="larger than"):
        make(receiver).call()


def test_another_method_is_refused() -> None:
    method: Any = "FETCH"
    with pytest.raises(ValidationError, match="'GET', 'POST'"):
        Webhook(url=SecretStr("http://h"), method=method)


def test_prefects_name_for_it_is_there() -> None:
    assert (Webhook.get_block_type_slug(), Webhook.get_block_type_name()) == ("webhook", "Webhook")
