"""Messages as they leave: signed, to checked addresses only, whatever a name resolves to and wherever a redirect leads."""

import json
import socket
from typing import Any

import pytest

from tests.support.webhook import receiving
from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.notifications.errors import AddressRefused, SendFailed
from towpath_operator.notifications.messages import EXAMPLE, Message
from towpath_operator.notifications.sending import send
from towpath_operator.notifications.signing import sign, verify

LOOPBACK = AddressPolicy(parse_networks("127.0.0.1"))
MESSAGE = Message("delivery-1", "A title", "A body", EXAMPLE)


async def test_a_webhook_gets_the_facts_signed_and_with_the_deliverys_id() -> None:
    async with receiving() as webhook:
        fields = {"url": f"{webhook.url}/in", "secret": "sesame", "headers": {"X-Team": "data"}}
        await send("webhook", fields, ["sesame"], MESSAGE, LOOPBACK)
        (received,) = webhook.received
    told = json.loads(received.body)
    assert told == {"id": "delivery-1", **EXAMPLE, "title": "A title", "body": "A body"}
    assert (received.path, received.headers["X-Team"]) == ("/in", "data")
    assert received.headers["Towpath-Delivery"] == "delivery-1"
    signature = received.headers["Towpath-Signature"]
    now = int(signature.partition(",")[0].removeprefix("t="))
    assert verify(signature, received.body, b"sesame", now)


@pytest.mark.parametrize(
    ("header", "body", "secret", "now", "right"),
    [
        (sign(b"x", b"k", 1_000), b"x", b"k", 1_000, True),
        (sign(b"x", b"k", 1_000), b"x", b"k", 1_300, True),
        (sign(b"x", b"k", 1_000), b"x", b"k", 1_301, False),
        (sign(b"x", b"k", 1_000), b"y", b"k", 1_000, False),
        (sign(b"x", b"k", 1_000), b"x", b"other", 1_000, False),
        (sign(b"x", b"k", 1_000).replace("t=1000", "t=1001"), b"x", b"k", 1_001, False),
        ("", b"x", b"k", 1_000, False),
        ("t=1000", b"x", b"k", 1_000, False),
        ("v1=00,t=soon", b"x", b"k", 1_000, False),
    ],
)
def test_a_signature_holds_for_its_body_key_and_time(
    header: str, body: bytes, secret: bytes, now: int, right: bool
) -> None:
    assert verify(header, body, secret, now) is right


@pytest.mark.parametrize("status", [301, 400, 404, 500])
async def test_what_is_not_a_success_is_a_failure(status: int) -> None:
    async with receiving() as webhook:
        webhook.answers, webhook.location = [status], f"{webhook.url}/elsewhere"
        with pytest.raises(SendFailed, match=str(status)):
            await send("webhook", {"url": webhook.url}, [], MESSAGE, LOOPBACK)
        assert len(webhook.received) == 1


async def test_nobody_at_the_address_is_a_failure_that_does_not_name_it() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/secret-path"
        with pytest.raises(SendFailed, match="Connection refused") as raised:
            await send("webhook", {"url": url}, [url], MESSAGE, LOOPBACK)
    assert "secret-path" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"])
async def test_an_inside_address_is_refused_however_it_is_written(host: str) -> None:
    async with receiving() as webhook:
        port = webhook.url.rpartition(":")[2]
        with pytest.raises(SendFailed):
            await send("webhook", {"url": f"http://{host}:{port}"}, [], MESSAGE, AddressPolicy())
        assert webhook.received == []


async def test_a_name_is_judged_by_what_it_resolves_to_when_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with receiving() as webhook:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"http://innocent.example:{webhook.url.rpartition(':')[2]}"
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
            await send("webhook", {"url": url}, [], MESSAGE, AddressPolicy())
        assert asked == ["innocent.example"]
        assert webhook.received == []
        await send("webhook", {"url": url}, [], MESSAGE, LOOPBACK)
        assert len(webhook.received) == 1


async def test_a_name_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(SendFailed, match="cannot be resolved"):
        await send("webhook", {"url": "http://nowhere.example"}, [], MESSAGE, LOOPBACK)
