"""Blocks that reach people: what `notify` sends to, in flows and hooks, and what Notifications name as their channels.

Their fields are what `towpath.contract.channels` reads, which the API's notifications go by too. A new type is a class here and a
line there.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from towpath.blocks import messages
from towpath.blocks.abstract import NotificationBlock
from towpath.blocks.calling import async_compatible
from towpath.blocks.calls import Answer, call
from towpath.blocks.core import SecretDict
from towpath.blocks.fields import is_secret
from towpath.contract.channels import JsonWebhook

__all__ = [
    "AppriseNotificationBlock",
    "CustomWebhookNotificationBlock",
    "DiscordWebhook",
    "Email",
    "MattermostWebhook",
    "MicrosoftTeamsWebhook",
    "NotificationBlock",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "SlackWebhook",
    "TwilioSMS",
    "Webhook",
]


class _Channel(NotificationBlock):
    """A block whose fields say where messages go."""

    _is_abstract_block: ClassVar[bool] = True

    @async_compatible
    def notify(self, body: str, subject: str | None = None) -> None:
        """Sends a message.

        Raises:
            NotificationError: it was not taken.
        """
        messages.send(self.get_block_type_slug(), self._reveal(), body, subject)

    def _reveal(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value.get_secret_value() if is_secret(value) else value for name, value in values.items()}


class SlackWebhook(_Channel):
    """Messages to a channel of Slack.

    Example:
        ```python
        from towpath.blocks.notifications import SlackWebhook

        SlackWebhook.load("team").notify("The barge has arrived.")
        ```
    """

    _block_type_name = "Slack Webhook"

    url: SecretStr = Field(
        description="The incoming webhook's address, as https://hooks.slack.com/services/T.../B.../..."
    )

    @async_compatible
    def notify(self, body: str, subject: str | None = None) -> None:
        """Sends a message.

        Raises:
            NotificationError: it was not taken.
        """
        url = self.url.get_secret_value()
        if not url.startswith("https://") or "hooks.slack" not in url:
            messages.send(self.get_block_type_slug(), self._reveal(), body, subject)
            return
        call(JsonWebhook(url), {"text": f"*{subject}*\n{body}" if subject else body})


class MicrosoftTeamsWebhook(_Channel):
    """Messages to a channel of Microsoft Teams. Needs towpath[notifications].

    Example:
        ```python
        from towpath.blocks.notifications import MicrosoftTeamsWebhook

        MicrosoftTeamsWebhook.load("team").notify("The barge has arrived.")
        ```
    """

    _block_type_name = "Microsoft Teams Webhook"
    _block_type_slug = "ms-teams-webhook"

    url: SecretStr = Field(description="The webhook's address, of a workflow or an incoming webhook.")


class DiscordWebhook(_Channel):
    """Messages to a channel of Discord. Needs towpath[notifications].

    Example:
        ```python
        from towpath.blocks.notifications import DiscordWebhook

        DiscordWebhook.load("team").notify("The barge has arrived.")
        ```
    """

    _block_type_name = "Discord Webhook"

    webhook_id: str | None = Field(default=None, description="The first part behind /api/webhooks/ in its address.")
    webhook_token: SecretStr | None = Field(default=None, description="The second part.")
    url: SecretStr | None = Field(default=None, description="The whole address, instead of the two parts.")


class MattermostWebhook(_Channel):
    """Messages to channels of Mattermost. Needs towpath[notifications]."""

    _block_type_name = "Mattermost Webhook"

    hostname: str = Field(description="The server's name.")
    token: SecretStr = Field(description="The webhook's token, the last part of its address.")
    port: int | None = Field(default=None, ge=1, le=65_535)
    path: str | None = Field(default=None, description="What stands between the name and /hooks.")
    channels: list[str] = Field(default=[], description="The webhook's own channel if left out.")
    botname: str | None = Field(default=None, description="Whom messages come from.")
    secure: bool = Field(default=True, description="Whether https is used.")


class PagerDutyWebHook(_Channel):
    """Events for PagerDuty. Needs towpath[notifications]."""

    _block_type_name = "Pager Duty Webhook"

    integration_key: SecretStr
    api_key: SecretStr
    region_name: Literal["us", "eu"] = "us"
    source: str = Field(default="Towpath", description="What the event is of.")
    component: str = Field(default="Notification", description="Which part of it.")


class OpsgenieWebhook(_Channel):
    """Alerts for Opsgenie. Needs towpath[notifications]."""

    _block_type_name = "Opsgenie Webhook"

    apikey: SecretStr
    region_name: Literal["us", "eu"] = "us"


class TwilioSMS(_Channel):
    """Text messages by Twilio. Needs towpath[notifications]."""

    _block_type_name = "Twilio SMS"

    account_sid: str
    auth_token: SecretStr
    from_phone_number: str = Field(description="A number of the account, with its country code.")
    to_phone_numbers: list[str] = Field(min_length=1)


class SendgridEmail(_Channel):
    """Mail by Sendgrid. Needs towpath[notifications]."""

    _block_type_name = "Sendgrid Email"

    api_key: SecretStr
    sender_email: str
    to_emails: list[str] = Field(min_length=1)


class Email(_Channel):
    """Mail by a mail server. Needs towpath[notifications].

    Example:
        ```python
        from towpath.blocks.notifications import Email

        Email.load("team").notify("The barge has arrived.", subject="Cargo")
        ```
    """

    host: str = Field(description="The mail server's name.")
    port: int | None = Field(default=None, ge=1, le=65_535, description="The usual one of `security` if left out.")
    security: Literal["starttls", "ssl", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = Field(description="The address that mail comes from.")
    recipients: list[str] = Field(min_length=1)


class AppriseNotificationBlock(_Channel):
    """Messages to any of the hundred services that apprise knows, by its own address for each. Needs towpath[notifications].

    Example:
        ```python
        from towpath.blocks.notifications import AppriseNotificationBlock

        AppriseNotificationBlock.load("room").notify("The barge has arrived.")
        ```
    """

    _block_type_name = "Apprise"

    url: SecretStr = Field(description="As apprise spells it, for instance matrixs://user:password@host/#room.")


class Webhook(_Channel):
    """Calls an address of your own, and posts messages to it as JSON. With a secret, what is sent is signed; `towpath.contract.signing`
    says how.

    Example:
        ```python
        from towpath.blocks.webhook import Webhook

        webhook = Webhook.load("deployments")
        webhook.notify("The barge has arrived.")
        answer = webhook.call({"barge": "Ada"}).json()
        ```
    """

    url: SecretStr = Field(description="An http or https address.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="How `call` calls it; messages are posted."
    )
    secret: SecretStr | None = Field(default=None, description="What the receiver checks signatures with.")
    headers: SecretDict = Field(default=SecretDict({}), description="Sent along, as for an Authorization.")
    allow_private_urls: bool = Field(
        default=True, description="Whether flows may reach addresses of this machine and of private networks by it."
    )

    @async_compatible
    def notify(self, body: str, subject: str | None = None) -> None:
        """Posts a message, as {"title": ..., "body": ...}.

        Raises:
            NotificationError: it was not taken.
        """
        self._call({"title": subject or "", "body": body}, "POST")

    @async_compatible
    def call(self, payload: Any = None) -> Answer:
        """Calls the address.

        Args:
            payload: the body: a text as it is, anything else as JSON; None for none.

        Returns:
            The answer, with its `status_code`, `headers`, `text` and `json()`.

        Raises:
            NotificationError: the receiver is not reached, may not be, or does not answer with a success (200 to 299).
        """
        return self._call(payload, self.method)

    def _call(self, payload: Any, method: str) -> Answer:
        secret = self.secret.get_secret_value() if self.secret is not None else None
        headers = {name: str(value) for name, value in self.headers.get_secret_value().items()}
        target = JsonWebhook(self.url.get_secret_value(), secret, headers)
        return call(target, payload, method=method, allows_private=self.allow_private_urls)


CustomWebhookNotificationBlock = Webhook
