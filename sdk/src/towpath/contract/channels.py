"""Turns a channel's block into where its messages go: a JSON webhook, or an address of apprise. Pure; a new type is a line in TYPES.

The fields are those of the block types of the same names, secret ones among them. The API sends notifications by this, and the SDK
the messages of `notify`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

Fields = Mapping[str, Any]
MOST_URLS: Final = 20


class ChannelError(ValueError):
    """A block that is no channel, or lacks what a channel needs. The message shows no field's value."""


@dataclass(frozen=True)
class JsonWebhook:
    """An address that takes the facts as JSON. With a `secret`, what is sent there is signed."""

    url: str
    secret: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class AppriseUrls:
    """Addresses in apprise's own spelling, which hold secrets."""

    urls: tuple[str, ...]


Target = JsonWebhook | AppriseUrls


def find_target(block_type: str, fields: Fields) -> Target:
    """Where messages to such a block go.

    Raises:
        ChannelError: when the type is no channel's, or a field is missing or of the wrong kind.
    """
    build = TYPES.get(block_type)
    if build is None:
        raise ChannelError(f"Blocks of type {block_type!r} are no channels: use one of {', '.join(sorted(TYPES))}.")
    return build(fields)


def _need(fields: Fields, *names: str) -> str:
    """The first of these fields that is given, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
            return str(value)
    raise ChannelError(f"The channel's block needs the field {names[0]!r}.")


def _find(fields: Fields, name: str, default: str = "") -> str:
    value = fields.get(name)
    return str(value) if value not in (None, "", []) else default


def _list(fields: Fields, name: str) -> list[str]:
    value = fields.get(name)
    if isinstance(value, str):
        value = [part for part in value.replace(",", " ").split() if part]
    if not isinstance(value, list) or not value:
        raise ChannelError(f"The channel's block needs the field {name!r}, a list.")
    return [str(item) for item in value]  # pyright: ignore[reportUnknownArgumentType] JSON


def _quote(text: str) -> str:
    return quote(text, safe="")


def _native(fields: Fields) -> Target:
    """An incoming webhook of a service whose address says which service it is."""
    return AppriseUrls((_need(fields, "url", "webhook_url"),))


def _apprise(fields: Fields) -> Target:
    urls = _list(fields, "urls") if fields.get("urls") else [_need(fields, "url")]
    if len(urls) > MOST_URLS:
        raise ChannelError(f"The channel's block has more than {MOST_URLS} addresses.")
    return AppriseUrls(tuple(urls))


def _webhook(fields: Fields) -> Target:
    url = _need(fields, "url")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelError("The channel's `url` is not an http or https address.")
    headers = fields.get("headers") or {}
    if isinstance(headers, str):
        try:
            headers = json.loads(headers)
        except ValueError:
            headers = None
    if not isinstance(headers, Mapping):
        raise ChannelError("The channel's `headers` are not an object of names and values.")
    secret = _find(fields, "secret") or None
    return JsonWebhook(url, secret, {str(name): str(value) for name, value in headers.items()})  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] JSON


def _discord(fields: Fields) -> Target:
    if fields.get("url") or fields.get("webhook_url"):
        return _native(fields)
    return AppriseUrls((f"discord://{_quote(_need(fields, 'webhook_id'))}/{_quote(_need(fields, 'webhook_token'))}",))


def _mattermost(fields: Fields) -> Target:
    secure = fields.get("secure", True) is not False
    where = _need(fields, "hostname") + (f":{_find(fields, 'port')}" if fields.get("port") else "")
    path = "".join(f"/{_quote(part)}" for part in _find(fields, "path").split("/") if part)
    channels = ",".join(_list(fields, "channels")) if fields.get("channels") else ""
    query = urlencode({"channel": channels}) if channels else ""
    bot = f"{_quote(_find(fields, 'botname'))}@" if fields.get("botname") else ""
    scheme = "mmosts" if secure else "mmost"
    return AppriseUrls(
        (f"{scheme}://{bot}{where}{path}/{_quote(_need(fields, 'token'))}{'?' + query if query else ''}",)
    )


def _pager_duty(fields: Fields) -> Target:
    keys = f"{_quote(_need(fields, 'integration_key'))}@{_quote(_need(fields, 'api_key'))}"
    source, component = _find(fields, "source", "Towpath"), _find(fields, "component", "Notification")
    return AppriseUrls(
        (f"pagerduty://{keys}/{_quote(source)}/{_quote(component)}?region={_find(fields, 'region_name', 'us')}",)
    )


def _opsgenie(fields: Fields) -> Target:
    return AppriseUrls((f"opsgenie://{_quote(_need(fields, 'apikey'))}?region={_find(fields, 'region_name', 'us')}",))


def _twilio(fields: Fields) -> Target:
    account = f"{_quote(_need(fields, 'account_sid'))}:{_quote(_need(fields, 'auth_token'))}"
    to = "/".join(_quote(number) for number in _list(fields, "to_phone_numbers"))
    return AppriseUrls((f"twilio://{account}@{_quote(_need(fields, 'from_phone_number'))}/{to}",))


def _sendgrid(fields: Fields) -> Target:
    to = "/".join(_quote(address) for address in _list(fields, "to_emails"))
    return AppriseUrls((f"sendgrid://{_quote(_need(fields, 'api_key'))}:{_need(fields, 'sender_email')}/{to}",))


def _email(fields: Fields) -> Target:
    host = _need(fields, "host")
    security = _find(fields, "security", "starttls").lower()
    modes = {"starttls": "starttls", "ssl": "ssl", "none": "insecure"}
    if security not in modes:
        raise ChannelError("The channel's `security` is none of starttls, ssl and none.")
    user = _find(fields, "username")
    login = f"{_quote(user)}:{_quote(_find(fields, 'password'))}@" if user else ""
    query = {
        "from": _need(fields, "sender"),
        "to": ",".join(_list(fields, "recipients")),
        "smtp": host,
        "mode": modes[security],
    }
    port = f":{_find(fields, 'port')}" if fields.get("port") else ""
    return AppriseUrls((f"{'mailto' if security == 'none' else 'mailtos'}://{login}{host}{port}?{urlencode(query)}",))


TYPES: Final[Mapping[str, Callable[[Fields], Target]]] = {
    "apprise": _apprise,
    "discord-webhook": _discord,
    "email": _email,
    "mattermost-webhook": _mattermost,
    "ms-teams-webhook": _native,
    "opsgenie-webhook": _opsgenie,
    "pager-duty-webhook": _pager_duty,
    "sendgrid-email": _sendgrid,
    "slack-webhook": _native,
    "twilio-sms": _twilio,
    "webhook": _webhook,
}
"""Block types that are channels."""
