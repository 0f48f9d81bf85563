"""The operator's settings, from the environment. Read once at start by wiring.operator; the chart's values set them."""

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from towpath_operator.apiclient.transport import normalize_api_url
from towpath_operator.domain.flow_run_actions import PlanSettings
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.domain.pod_rules import PodPolicy
from towpath_operator.reconcilers.context import RunSettings


class OperatorSettings(BaseSettings):
    """Settings of the operator's pod.

    Attributes:
        api_url: where the operator reaches the API (`TOWPATH_API_URL`, as `http://host:4200/api`).
        api_token_file: the operator's token for the API (`TOWPATH_API_TOKEN_FILE`); none for an API that trusts loopback.
        pod_api_url: where flows' pods reach the API; as the operator does if left out.
        flow_image: the image of flows that name none.
        flow_image_pull_policy: its pull policy; Kubernetes' default if left out.
        run_as_user: the user that flows' pods run as unless a template says otherwise; the image's if empty.
        pod_env: further environment variables of flows' pods, as JSON.
        allowed_service_accounts: ServiceAccounts that pod templates may name, separated by commas.
        allowed_csi_drivers: drivers whose inline volumes pod templates may have, separated by commas.
        namespaces: the namespaces that are served, separated by commas; all if empty.
        workers: how many runs are reconciled at once.
        start_deadline_seconds: how long a pod that has its node may fail to start before its run is Crashed.
        registration_grace_seconds: how long a FlowRun waits for its Deployment to become known.
        last_lines: how many of a pod's last lines are kept with the run's logs.
        http_host, http_port: where /healthz and /metrics are served.
        log_level: the lowest level that is logged.
    """

    model_config = SettingsConfigDict(env_prefix="TOWPATH_OPERATOR_", extra="ignore", populate_by_name=True)

    api_url: Annotated[str, Field(min_length=1, validation_alias=AliasChoices("TOWPATH_API_URL", "api_url"))]
    api_token_file: Annotated[
        Path | None, Field(validation_alias=AliasChoices("TOWPATH_API_TOKEN_FILE", "api_token_file"))
    ] = None
    pod_api_url: str = ""
    flow_image: Annotated[str, Field(min_length=1)]
    flow_image_pull_policy: str = ""
    run_as_user: Annotated[int | None, Field(ge=1)] = None
    pod_env: dict[str, str] = {}
    allowed_service_accounts: str = ""
    allowed_csi_drivers: str = ""
    namespaces: str = ""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    start_deadline_seconds: Annotated[int, Field(ge=1)] = 600
    registration_grace_seconds: Annotated[float, Field(ge=0)] = 15
    last_lines: Annotated[int, Field(ge=0, le=1_000)] = 200
    http_host: str = "0.0.0.0"  # noqa: S104 a pod is reached by its own address only
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    log_level: str = "INFO"

    def namespace_list(self) -> tuple[str, ...] | None:
        """The namespaces that are served; None for all."""
        return _split(self.namespaces) or None

    def run_settings(self) -> RunSettings:
        """What the FlowRun reconcilers need of this."""
        policy = PodPolicy(
            service_accounts=frozenset(_split(self.allowed_service_accounts)),
            csi_drivers=frozenset(_split(self.allowed_csi_drivers)),
        )
        return RunSettings(
            holder=os.environ.get("HOSTNAME") or socket.gethostname(),
            namespaces=self.namespace_list(),
            pods=PodSettings(
                api_url=normalize_api_url(self.pod_api_url or self.api_url),
                image=self.flow_image,
                image_pull_policy=self.flow_image_pull_policy,
                run_as_user=self.run_as_user,
                env=self.pod_env,
                policy=policy,
            ),
            plan=PlanSettings(start_deadline=timedelta(seconds=self.start_deadline_seconds)),
            registration_grace=self.registration_grace_seconds,
            last_lines=self.last_lines,
        )


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
