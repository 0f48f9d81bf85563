"""Blocks that reach people, against a real receiver: signed JSON, other services' formats by apprise, and what is said of refusals."""

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from towpath import flow
from towpath.blocks.core import SecretDict
from towpath.blocks.notifications import AppriseNotificationBlock, MattermostWebhook, SlackWebhook, Webhook
from towpath.contract.signing import HEADER, verify
from towpath.errors import NotificationError

# apprise loads its plugins, and what they need, with the first address that it is given.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@dataclass
class Receiver:
    """What came, and what is answered."""

    port: int = 0
    status: int = 200
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def last(self) -> Any:
        """The last JSON."""
        return json.loads(self.received[-1][2])


@pytest.fixture
def receiver() -> Generator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append((self.path, dict(self.headers), body))
            self.send_response(state.status)
            self.send_header("Content-Length", "2")
            if state.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(60)


def test_a_webhook_posts_signed_json(receiver: Receiver) -> None:
    webhook = Webhook(
        url=SecretStr(f"{receiver.url}/in?key=hush"), secret=SecretStr("sesame"), headers=SecretDict({"X-Key": "k"})
    )
    webhook.notify("The barge has arrived.", subject="Cargo")
    path, headers, body = receiver.received[0]
    assert (path, headers["X-Key"]) == ("/in?key=hush", "k")
    assert json.loads(body) == {"title": "Cargo", "body": "The barge has arrived."}
    then = int(headers[HEADER].removeprefix("t=").partition(",")[0])
    assert verify(headers[HEADER], body, b"sesame", then)
    webhook.call({"barge": ["Ada", 1]})
    assert receiver.last() == {"barge": ["Ada", 1]}


def test_other_services_are_reached_by_apprise(receiver: Receiver) -> None:
    AppriseNotificationBlock(url=SecretStr(f"json://127.0.0.1:{receiver.port}/x")).notify("Arrived.", "Cargo")
    assert (receiver.last()["message"], receiver.last()["title"]) == ("Arrived.", "Cargo")
    MattermostWebhook(
        hostname="127.0.0.1", port=receiver.port, token=SecretStr("abcdefgh12345678"), secure=False, channels=["canal"]
    ).notify("Arrived.")
    assert receiver.received[-1][0] == "/hooks/abcdefgh12345678"
    assert "Arrived." in receiver.last()["text"]


async def test_in_coroutines_it_is_awaited(receiver: Receiver) -> None:
    await Webhook(url=SecretStr(receiver.url)).notify("Arrived.")  # type: ignore[func-returns-value]
    assert receiver.last()["body"] == "Arrived."


def test_a_hook_of_a_flow_tells(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = Webhook(url=SecretStr(receiver.url))

    def tell(flow: Any, flow_run: Any, state: Any) -> None:
        webhook.notify(f"{flow.name} is {state.name}")

    @flow(on_failure=[tell], name="sinks")
    def sinks() -> None:
        raise ValueError("a leak")

    with pytest.raises(ValueError, match="leak"):
        sinks()
    assert receiver.last()["body"] == "sinks is Failed"


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_receiver_that_refuses_is_said_without_its_address(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(NotificationError, match=str(status)) as caught:
        Webhook(url=SecretStr(f"{receiver.url}/hush")).notify("x")
    assert "hush" not in str(caught.value)
    assert [path for path, _, _ in receiver.received] == ["/hush"]
    with pytest.raises(NotificationError) as caught:
        AppriseNotificationBlock(url=SecretStr(f"json://127.0.0.1:{receiver.port}/hush")).notify("x")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/hush", "ftp://127.0.0.1/hush", "hush", "http:///hush", "file:///etc/hush"]
)
def test_addresses_that_lead_nowhere_are_said_without_themselves(url: str) -> None:
    with pytest.raises(NotificationError) as caught:
        Webhook(url=SecretStr(url)).notify("x")
    assert "hush" not in str(caught.value)


def test_a_slack_address_of_another_spelling_is_left_to_apprise() -> None:
    with pytest.raises(NotificationError) as caught:
        SlackWebhook(url=SecretStr("nonsense-hush")).notify("x")
    assert "hush" not in str(caught.value)
