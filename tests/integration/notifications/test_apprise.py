"""apprise, in the process of its own that sends through it: what it takes, and where it gets to."""

import json
from typing import Any

import apprise
import pytest

from tests.support.webhook import receiving
from tests.unit.notifications.test_channels import EXAMPLES
from tests.unit.notifications.test_sending import LOOPBACK, MESSAGE
from towpath_operator.notifications.addresses import AddressPolicy
from towpath_operator.notifications.channels import AppriseUrls, find_target
from towpath_operator.notifications.errors import AddressRefused, SendFailed
from towpath_operator.notifications.sending import send

# apprise loads its plugins, and what they need, with the first address that it is given.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.mark.parametrize("block_type", sorted(EXAMPLES))
def test_apprise_takes_what_a_channel_makes(block_type: str) -> None:
    target = find_target(block_type, EXAMPLES[block_type])
    assert isinstance(target, AppriseUrls)
    for url in target.urls:
        assert apprise.Apprise.instantiate(url) is not None, url


def test_mail_goes_to_all_recipients_by_the_named_host() -> None:
    target = find_target("email", EXAMPLES["email"] | {"port": 2525})
    assert isinstance(target, AppriseUrls)
    mail: Any = apprise.Apprise.instantiate(target.urls[0])
    assert (mail.smtp_host, mail.port, mail.password) == ("smtp.example.com", 2525, "p@ss/word")
    assert sorted(address for _, address in mail.targets) == ["a@example.com", "b@example.com"]


async def test_apprise_sends_in_a_process_of_its_own() -> None:
    async with receiving() as webhook:
        url = webhook.url.replace("http://", "json://") + "/in"
        await send("apprise", {"url": url}, [], MESSAGE, LOOPBACK)
        (received,) = webhook.received
    told = json.loads(received.body)
    assert (received.path, told["title"], told["message"]) == ("/in", "A title", "A body")


async def test_apprise_reaches_no_inside_address() -> None:
    async with receiving() as webhook:
        for scheme in ("json", "mailto"):
            url = webhook.url.replace("http", scheme) + "?to=a@example.com&from=b@example.com"
            with pytest.raises(AddressRefused):
                await send("apprise", {"url": url}, [], MESSAGE, AddressPolicy())
        assert webhook.received == []


async def test_apprise_follows_no_redirect_inside() -> None:
    async with receiving() as outside, receiving() as inside:
        outside.answers, outside.location = [302], inside.url.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(SendFailed):
            await send("apprise", {"url": outside.url.replace("http", "json")}, [], MESSAGE, LOOPBACK)
        assert inside.received == []


@pytest.mark.parametrize(
    ("url", "says"),
    [("nonsense", "none that apprise knows"), ("syslog://", "one machine"), ("dbus://", "one machine")],
)
async def test_apprise_refuses_what_is_no_service(url: str, says: str) -> None:
    with pytest.raises(SendFailed, match=says):
        await send("apprise", {"url": url}, [], MESSAGE, LOOPBACK)
