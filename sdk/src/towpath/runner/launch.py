"""What the environment says of the attempt to run. Called by `attempts`."""

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from towpath.errors import SettingsError
from towpath.settings import Settings


class Launch(NamedTuple):
    """An attempt as its launcher names it.

    Attributes:
        code_dir: the folder that entrypoints are relative to.
        grace_period: seconds between SIGTERM and SIGKILL.
    """

    run_id: str
    attempt: int
    pod_name: str
    pod_uid: str
    code_dir: Path
    termination_log: Path
    flush_timeout: float
    grace_period: float


def read_launch(settings: Settings) -> Launch:
    """The attempt that the settings name.

    Raises:
        SettingsError: one of the variables that a launcher sets is missing or not what it must be.
    """
    needed = {
        "TOWPATH_API_URL": settings.api_url,
        "TOWPATH_RUN_ID": settings.run_id,
        "TOWPATH_ATTEMPT": settings.attempt,
        "TOWPATH_POD_NAME": settings.pod_name,
        "TOWPATH_POD_UID": settings.pod_uid,
    }
    missing = [variable for variable, value in needed.items() if not value]
    if missing:
        raise SettingsError(
            f"{', '.join(missing)} must be set: a launcher (the operator, an agent) starts this program and sets them."
        )
    try:
        run_id = str(UUID(settings.run_id))
    except ValueError:
        raise SettingsError(f"TOWPATH_RUN_ID: {settings.run_id!r} is not right; it must be a flow run's id.") from None
    return Launch(
        run_id,
        settings.attempt,
        settings.pod_name or "",
        settings.pod_uid or "",
        settings.code_dir if settings.code_dir.is_dir() else Path.cwd(),
        settings.termination_log,
        settings.flush_timeout,
        settings.grace_period,
    )
