"""Blocks as channels: where their messages go, and what is said of those that lead nowhere."""

import pytest

from towpath_operator.notifications.channels import TYPES, JsonWebhook, find_target
from towpath_operator.notifications.errors import SendFailed
from towpath_operator.notifications.sending import hide

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
EXAMPLES = {
    "apprise": {"url": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
    "discord-webhook": {"webhook_id": "4174216298", "webhook_token": "JHMHI8qBe7bk2ZwO5U711o3dV_js"},
    "email": {
        "host": "smtp.example.com",
        "username": "me@example.com",
        "password": "p@ss/word",
        "sender": "towpath@example.com",
        "recipients": ["a@example.com", "b@example.com"],
    },
    "mattermost-webhook": {
        "hostname": "chat.example.com",
        "token": "3ccdd113474722377935511fc85d3dd4",
        "botname": "Bot",
    },
    "ms-teams-webhook": {
        "url": "https://prod-1.uksouth.logic.azure.com:443/workflows/643e69f83c8944/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
    },
    "opsgenie-webhook": {"apikey": "eb243592-faa2-4ba2-a551q-1afdf565c889"},
    "pager-duty-webhook": {"integration_key": "abc123", "api_key": "def456"},
    "sendgrid-email": {"api_key": "SG.abc", "sender_email": "me@example.com", "to_emails": ["you@example.com"]},
    "slack-webhook": {"url": SLACK},
    "twilio-sms": {
        "account_sid": "AC" + "a" * 32,
        "auth_token": "b" * 32,
        "from_phone_number": "+15555550100",
        "to_phone_numbers": ["+15555550101"],
    },
}


def test_every_type_has_an_example() -> None:
    assert set(EXAMPLES) | {"webhook"} == set(TYPES)


def test_a_webhook_has_its_headers_and_secret() -> None:
    fields = {"url": "https://example.com/in", "secret": "s", "headers": {"X-Team": "data"}}
    assert find_target("webhook", fields) == JsonWebhook("https://example.com/in", "s", {"X-Team": "data"})
    assert find_target("webhook", fields | {"headers": '{"X-Team": "data"}'}) == find_target("webhook", fields)


@pytest.mark.parametrize(
    ("block_type", "fields", "says"),
    [
        ("github", {}, "no channels"),
        ("slack-webhook", {}, "'url'"),
        ("webhook", {"url": "ftp://example.com"}, "http or https"),
        ("webhook", {"url": "https://example.com", "headers": "nonsense"}, "headers"),
        ("email", {"host": "smtp.example.com", "sender": "a@b.c"}, "'recipients'"),
        ("email", EXAMPLES["email"] | {"security": "magic"}, "security"),
        ("apprise", {"urls": ["json://example.com"] * 21}, "20"),
    ],
)
def test_what_leads_nowhere_is_said(block_type: str, fields: dict[str, object], says: str) -> None:
    with pytest.raises(SendFailed, match=says):
        find_target(block_type, fields)


def test_errors_show_no_secret_and_no_part_of_one() -> None:
    said = hide(f"POST {SLACK} failed for TIiajkdnlazkcOXrIdevi7FQ", [SLACK])
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in said
    assert "***" in said
