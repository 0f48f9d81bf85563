"""The API server's settings, from the environment. Read once at start; see each field for its variable."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from towpath_operator.notifications.addresses import parse_networks

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4200


def towpath_home() -> Path:
    """The folder that holds everything local: `TOWPATH_HOME`, else `~/.towpath`."""
    return Path(os.environ.get("TOWPATH_HOME") or Path.home() / ".towpath").expanduser()


class ServerSettings(BaseSettings):
    """Settings of `towpath server` and of the API's pod.

    Attributes:
        host, port: the address and the port that it listens on (`TOWPATH_SERVER_HOST`, `TOWPATH_SERVER_PORT`).
        metrics_port: where metrics are served apart from the API (`TOWPATH_SERVER_METRICS_PORT`); beside it if left out.
        database_url: `TOWPATH_DATABASE_URL`; the file `towpath.db` in TOWPATH_HOME if left out.
        api_token: `TOWPATH_API_TOKEN`; required of callers when it is set.
        log_level: the lowest level that is logged (`TOWPATH_SERVER_LOG_LEVEL`).
        public_url: where people reach the pages, for links in messages and for sessions behind a proxy (`TOWPATH_SERVER_PUBLIC_URL`).
        trusted_proxies: in a cluster the peers whose headers say who a caller is, as `10.1.0.0/16`, separated by commas
            (`TOWPATH_SERVER_TRUSTED_PROXIES`).
        proxy_user_header, proxy_groups_header: those headers' names (`TOWPATH_SERVER_PROXY_USER_HEADER`,
            `TOWPATH_SERVER_PROXY_GROUPS_HEADER`).
        accept_api_server_tokens: in a cluster whether tokens for Kubernetes' own API server are taken beside those for ours
            (`TOWPATH_SERVER_ACCEPT_API_SERVER_TOKENS`).
        notify_allowed_networks: networks that messages may go to beyond public addresses, as `10.0.0.0/8,127.0.0.1`, separated by
            commas (`TOWPATH_SERVER_NOTIFY_ALLOWED_NETWORKS`).
        notify_secret_namespaces: in a cluster the namespaces whose Secrets are read for messages, separated by commas
            (`TOWPATH_SERVER_NOTIFY_SECRET_NAMESPACES`).
        keep_runs_days: how long runs are kept after their end (`TOWPATH_SERVER_KEEP_RUNS_DAYS`); 0 keeps them for ever.
        keep_logs_days: how long log lines are kept (`TOWPATH_SERVER_KEEP_LOGS_DAYS`); 0 keeps them as long as their run.
        keep_results_days: how long results in the API are kept after they were last used
            (`TOWPATH_SERVER_KEEP_RESULTS_DAYS`); 0 keeps them for ever.
    """

    model_config = SettingsConfigDict(env_prefix="TOWPATH_SERVER_", extra="ignore", populate_by_name=True)

    host: str = DEFAULT_HOST
    port: Annotated[int, Field(ge=0, le=65_535)] = DEFAULT_PORT
    metrics_port: Annotated[int | None, Field(ge=0, le=65_535)] = None
    database_url: Annotated[
        str | None, Field(validation_alias=AliasChoices("TOWPATH_DATABASE_URL", "database_url"))
    ] = None
    api_token: Annotated[SecretStr | None, Field(validation_alias=AliasChoices("TOWPATH_API_TOKEN", "api_token"))] = (
        None
    )
    log_level: str = "INFO"
    public_url: Annotated[str | None, Field(pattern=r"^https?://\S+$", max_length=1_000)] = None
    trusted_proxies: str = ""
    proxy_user_header: Annotated[str, Field(min_length=1, max_length=100)] = "X-Forwarded-User"
    proxy_groups_header: Annotated[str, Field(min_length=1, max_length=100)] = "X-Forwarded-Groups"
    accept_api_server_tokens: bool = False
    notify_allowed_networks: str = ""
    notify_secret_namespaces: str = ""
    keep_runs_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    keep_logs_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    keep_results_days: Annotated[int, Field(ge=0, le=36_500)] = 90

    @field_validator("notify_allowed_networks", "trusted_proxies")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text


def normalize_database_url(database: str | None) -> str:
    """The URL that the store opens.

    Args:
        database: a URL, or the path of a SQLite file; None for the default file.
    """
    if database is None:
        return _sqlite_url(towpath_home() / "towpath.db")
    scheme, separator, rest = database.partition("://")
    if not separator:
        return _sqlite_url(Path(database).expanduser())
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    return f"{driver.get(scheme, scheme)}://{rest}"


def _sqlite_url(path: Path) -> str:
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{path}"
