"""The SDK's settings: from the environment, then the active profile, then defaults; each knows where it came from.

Called by everything in the SDK that needs one. `get_settings()` reads at its first call, never at import, and keeps what it
read. Imports no pydantic: `import towpath` is timed, and this module is on its way.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from towpath.errors import SettingsError


class Setting(NamedTuple):
    """One setting that people may give.

    Attributes:
        variable: the environment variable, also its name in a profile.
        field: its attribute in Settings.
        parse: text to value; raises ValueError for what it cannot read.
        expects: what would be right, for the error.
        default: the text of its default; None when it is unset by default.
        secret: whether its value is never shown.
    """

    variable: str
    field: str
    parse: Callable[[str], Any]
    expects: str
    default: str | None = None
    secret: bool = False


class Settings(NamedTuple):
    """What the settings say.

    Attributes:
        home: profiles, spool, local database, secrets and results.
        api_url: the API's address, ending in `/api`, without a slash behind it; None: no server.
        api_token: goes with every request; never shown.
        api_token_file: holds the token, and is read again whenever it changes; counts before TOWPATH_API_TOKEN.
        namespace: where blocks are looked for and kept; a pod's own namespace.
        local_server: whether what must be asked without an API starts a local server in the background.
        logging_level: the lowest level that run loggers pass on, as INFO.
        logging_extra_loggers: names of loggers whose records also go to the run's logs.
        logging_engine_frames: whether tracebacks of what flows and tasks raise show Towpath's own frames too.
        logging_log_prints: whether flows and tasks log what they print, unless they say otherwise.
        results_storage: where results go: a folder, an fsspec address, `api://` or `block://type/name`; None for the default.
        results_serializer: how results are written, unless their flow or task says otherwise.
        results_persist_by_default: whether the results of flows and tasks are stored that say nothing of it.
        tasks_refresh_cache: whether tasks run although an earlier result is cached, unless they say otherwise.
        flows_none_follows_tasks: whether a flow that returns None ends as its task runs and subflows did; else it is Completed.
        task_runner_max_workers: how many tasks run at a time in threads, unless the flow's task runner says otherwise.
        flush_interval: seconds between two batches of events; what a SIGKILL may lose.
        flush_timeout: seconds that a runner waits for its events to be stored by the API.
        exit_timeout: seconds that a process without a launcher waits at its exit.
        batch_items: events in one batch at most.
        batch_bytes: bytes in one batch at most.
        request_timeout: seconds that one request to the API may take.
        run_id, attempt, pod_name, pod_uid: what the launcher says of the attempt.
        code_dir: the folder that entrypoints are relative to.
        termination_log: the file that the launcher reads the final state from.
        grace_period: seconds between SIGTERM and SIGKILL.
    """

    home: Path
    api_url: str | None
    api_token: str | None
    api_token_file: Path | None
    namespace: str
    local_server: bool
    logging_level: str
    logging_extra_loggers: tuple[str, ...]
    logging_engine_frames: bool
    logging_log_prints: bool
    results_storage: str | None
    results_serializer: str
    results_persist_by_default: bool
    tasks_refresh_cache: bool
    flows_none_follows_tasks: bool
    task_runner_max_workers: int
    flush_interval: float
    flush_timeout: float
    exit_timeout: float
    batch_items: int
    batch_bytes: int
    request_timeout: float
    run_id: str | None
    attempt: int
    pod_name: str | None
    pod_uid: str | None
    code_dir: Path
    termination_log: Path
    grace_period: float

    def __repr__(self) -> str:
        """Names what is set, never a token."""
        shown = {field: "***" if field == "api_token" and value else value for field, value in self._asdict().items()}
        return f"Settings({', '.join(f'{field}={value!r}' for field, value in shown.items())})"


class Origin(NamedTuple):
    """One setting's text and where it came from: `environment`, `profile 'NAME'` or `default`. None: unset."""

    setting: Setting
    text: str | None
    source: str


_LABEL_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text.strip()


def _label(text: str) -> str:
    label = text.strip()
    if not 1 <= len(label) <= 63 or not set(label) <= _LABEL_CHARACTERS or label[0] == "-" or label[-1] == "-":
        raise ValueError
    return label


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _url(text: str) -> str:
    scheme, separator, rest = text.strip().partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("http", "https") or not separator or not host or any(char.isspace() for char in rest):
        raise ValueError
    if "?" in rest or "#" in rest or "@" in host:
        raise ValueError
    return f"{scheme}://{rest.rstrip('/')}"


def _bool(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[text.strip().lower()]


def _level(text: str) -> str:
    level = text.strip().upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError
    return level


def _between(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        number = kind(text)
        if not low <= number <= high:  # not-a-number fails this too
            raise ValueError
        return number

    return parse


def _seconds(low: float, high: float) -> tuple[Callable[[str], Any], str]:
    return _between(float, low, high), f"a number of seconds from {low:g} to {high:g}"


def _count(low: int, high: int) -> tuple[Callable[[str], Any], str]:
    return _between(int, low, high), f"a whole number from {low} to {high}"


_A_FOLDER: Final = "a folder"
_A_FILE: Final = "a file"
_A_URL: Final = "an http or https address, as http://127.0.0.1:4200/api, with no user, query or fragment in it"
_A_LEVEL: Final = "DEBUG, INFO, WARNING, ERROR or CRITICAL"

SETTINGS: Final = (
    Setting("TOWPATH_HOME", "home", _path, _A_FOLDER, "~/.towpath"),
    Setting("TOWPATH_API_URL", "api_url", _url, _A_URL),
    Setting("TOWPATH_API_TOKEN", "api_token", _text, "a token", secret=True),
    Setting("TOWPATH_API_TOKEN_FILE", "api_token_file", _path, _A_FILE),
    Setting("TOWPATH_NAMESPACE", "namespace", _label, "a namespace's name: a to z, 0 to 9 and -", "default"),
    Setting("TOWPATH_LOCAL_SERVER", "local_server", _bool, "true or false", "true"),
    Setting("TOWPATH_LOGGING_LEVEL", "logging_level", _level, _A_LEVEL, "INFO"),
    Setting("TOWPATH_LOGGING_EXTRA_LOGGERS", "logging_extra_loggers", _names, "names with commas between them", ""),
    Setting("TOWPATH_LOGGING_ENGINE_FRAMES", "logging_engine_frames", _bool, "true or false", "false"),
    Setting("TOWPATH_LOGGING_LOG_PRINTS", "logging_log_prints", _bool, "true or false", "false"),
    Setting(
        "TOWPATH_RESULTS_STORAGE", "results_storage", _text, "a folder, an fsspec address, api:// or block://type/name"
    ),
    Setting(
        "TOWPATH_RESULTS_SERIALIZER",
        "results_serializer",
        _text,
        "pickle, json or compressed/ and one of them",
        "pickle",
    ),
    Setting("TOWPATH_RESULTS_PERSIST_BY_DEFAULT", "results_persist_by_default", _bool, "true or false", "false"),
    Setting("TOWPATH_TASKS_REFRESH_CACHE", "tasks_refresh_cache", _bool, "true or false", "false"),
    Setting("TOWPATH_FLOWS_NONE_FOLLOWS_TASKS", "flows_none_follows_tasks", _bool, "true or false", "true"),
    Setting("TOWPATH_TASK_RUNNER_MAX_WORKERS", "task_runner_max_workers", *_count(1, 10_000), default="32"),
    Setting("TOWPATH_FLUSH_INTERVAL", "flush_interval", *_seconds(0.01, 60), default="0.25"),
    Setting("TOWPATH_FLUSH_TIMEOUT", "flush_timeout", *_seconds(0, 86_400), default="900"),
    Setting("TOWPATH_EXIT_TIMEOUT", "exit_timeout", *_seconds(0, 3_600), default="10"),
    Setting("TOWPATH_BATCH_ITEMS", "batch_items", *_count(1, 5_000), default="2000"),
    Setting("TOWPATH_BATCH_BYTES", "batch_bytes", *_count(65_536, 8 * 1024 * 1024), default="4194304"),
    Setting("TOWPATH_REQUEST_TIMEOUT", "request_timeout", *_seconds(0.1, 600), default="30"),
    Setting("TOWPATH_RUN_ID", "run_id", _text, "a flow run's id"),
    Setting("TOWPATH_ATTEMPT", "attempt", *_count(0, 2**31 - 1), default="0"),
    Setting("TOWPATH_POD_NAME", "pod_name", _text, "the pod's name"),
    Setting("TOWPATH_POD_UID", "pod_uid", _text, "the pod's uid"),
    Setting("TOWPATH_CODE_DIR", "code_dir", _path, _A_FOLDER, "/opt/flows"),
    Setting("TOWPATH_TERMINATION_LOG", "termination_log", _path, _A_FILE, "/dev/termination-log"),
    Setting("TOWPATH_GRACE_PERIOD", "grace_period", *_seconds(0, 86_400), default="30"),
)
"""Every setting. The order is that of `config view`; a test holds it equal to Settings' fields."""

PROFILE_VARIABLE: Final = "TOWPATH_PROFILE"
"""Names the profile to use, whichever is active."""


def get_home(environment: Mapping[str, str]) -> Path:
    """TOWPATH_HOME, which only the environment can set: the profiles are in it."""
    setting = SETTINGS[0]
    return setting.parse(environment.get(setting.variable) or setting.default or "")


def find_setting(variable: str) -> Setting | None:
    """The setting of that name."""
    return next((setting for setting in SETTINGS if setting.variable == variable), None)


def parse_setting(setting: Setting, text: str, source: str) -> Any:
    """The value that `text` gives a setting.

    Args:
        source: where the text came from, for the error.

    Raises:
        SettingsError: it cannot be read; the message names the variable, what is wrong and what would be right.
    """
    try:
        return setting.parse(text)
    except (ValueError, KeyError, OverflowError):
        shown = "what it is set to" if setting.secret else repr(text)
        raise SettingsError(
            f"{setting.variable} ({source}): {shown} is not right; it must be {setting.expects}."
        ) from None


def read_origins(environment: Mapping[str, str], *, profile: str | None = None) -> list[Origin]:
    """Each setting's text, and where it came from. An empty environment variable counts as unset.

    Args:
        profile: the profile to use; None for the one of TOWPATH_PROFILE, else the active one.

    Raises:
        SettingsError: the profiles file cannot be read, or the profile asked for is not there.
    """
    chosen, values = _read_profile(get_home(environment), profile or environment.get(PROFILE_VARIABLE) or None)
    origins: list[Origin] = []
    for setting in SETTINGS:
        given = environment.get(setting.variable)
        if given:
            origins.append(Origin(setting, given, "environment"))
        elif setting.variable in values and setting.field != "home":
            origins.append(Origin(setting, values[setting.variable], f"profile {chosen!r}"))
        else:
            origins.append(Origin(setting, setting.default, "default"))
    return origins


def _read_profile(home: Path, wanted: str | None) -> tuple[str, dict[str, str]]:
    path = home / "profiles.toml"
    if not path.is_file():
        if wanted not in (None, "default"):
            raise SettingsError(f"There is no profile {wanted!r}: make it with `towpath profile create {wanted}`.")
        return "default", {}
    from towpath.profiles import read_profiles  # noqa: PLC0415 - only those who have profiles pay for reading them

    profiles = read_profiles(home)
    name = wanted or profiles.active
    if name not in profiles.values:
        raise SettingsError(f"There is no profile {name!r} in {path}: make it with `towpath profile create {name}`.")
    return name, profiles.values[name]


def build_settings(origins: list[Origin]) -> Settings:
    """The settings that `origins` give.

    Raises:
        SettingsError: one of them cannot be read.
    """
    values: dict[str, Any] = {
        origin.setting.field: None if origin.text is None else parse_setting(origin.setting, origin.text, origin.source)
        for origin in origins
    }
    return Settings(**values)


_current: Settings | None = None


def get_settings() -> Settings:
    """The settings of this process, read at the first call and kept.

    Raises:
        SettingsError: one of them cannot be read.
    """
    global _current
    if _current is None:
        _current = build_settings(read_origins(os.environ))
    return _current


def forget_settings() -> None:
    """Makes the next `get_settings()` read again."""
    global _current
    _current = None


@contextmanager
def overriding_settings(**fields: Any) -> Generator[Settings]:
    """Within the block, the settings of this process with some fields replaced. For tests and embedding programs."""
    global _current
    before = _current
    _current = get_settings()._replace(**fields)
    try:
        yield _current
    finally:
        _current = before
