"""Settings: where values come from, and what is said of those that cannot be read."""

from pathlib import Path

import pytest

from towpath.errors import SettingsError
from towpath.profiles import Profiles, read_profiles, write_profiles
from towpath.settings import (
    SETTINGS,
    Settings,
    build_settings,
    find_setting,
    forget_settings,
    get_settings,
    overriding_settings,
    read_origins,
)


def settings_of(home: Path, **environment: str) -> Settings:
    return build_settings(read_origins({"TOWPATH_HOME": str(home), **environment}))


def source_of(home: Path, variable: str, **environment: str) -> str:
    origins = read_origins({"TOWPATH_HOME": str(home), **environment})
    return next(origin.source for origin in origins if origin.setting.variable == variable)


def profile(home: Path, name: str = "default", **values: str) -> None:
    write_profiles(home, Profiles(name, {name: values}))


def test_the_table_of_settings_names_each_field_once() -> None:
    assert tuple(setting.field for setting in SETTINGS) == Settings._fields


def test_every_default_can_be_read(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert settings.api_url is None
    assert settings.flush_timeout == 900


def test_the_environment_counts_before_the_profile_and_that_before_the_default(tmp_path: Path) -> None:
    assert settings_of(tmp_path).logging_level == "INFO"
    profile(tmp_path, TOWPATH_LOGGING_LEVEL="WARNING")
    assert settings_of(tmp_path).logging_level == "WARNING"
    assert settings_of(tmp_path, TOWPATH_LOGGING_LEVEL="debug").logging_level == "DEBUG"


def test_each_value_knows_where_it_came_from(tmp_path: Path) -> None:
    profile(tmp_path, "work", TOWPATH_API_URL="http://localhost:4200/api")
    assert source_of(tmp_path, "TOWPATH_API_URL") == "profile 'work'"
    assert source_of(tmp_path, "TOWPATH_API_URL", TOWPATH_API_URL="http://other/api") == "environment"
    assert source_of(tmp_path, "TOWPATH_FLUSH_TIMEOUT") == "default"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert settings_of(tmp_path, TOWPATH_API_URL="").api_url is None


def test_another_profile_can_be_chosen_by_the_environment(tmp_path: Path) -> None:
    values = {"default": {}, "night": {"TOWPATH_LOGGING_LEVEL": "ERROR"}}
    write_profiles(tmp_path, Profiles("default", values))
    assert settings_of(tmp_path, TOWPATH_PROFILE="night").logging_level == "ERROR"
    with pytest.raises(SettingsError, match=r"no profile 'day'.*towpath profile create day"):
        settings_of(tmp_path, TOWPATH_PROFILE="day")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("TOWPATH_API_URL", "localhost:4200"),
        ("TOWPATH_API_URL", "ftp://host/api"),
        ("TOWPATH_API_URL", "http://user:secret@host/api"),
        ("TOWPATH_API_URL", "http://"),
        ("TOWPATH_LOGGING_LEVEL", "LOUD"),
        ("TOWPATH_FLUSH_TIMEOUT", "soon"),
        ("TOWPATH_FLUSH_TIMEOUT", "-1"),
        ("TOWPATH_FLUSH_TIMEOUT", "nan"),
        ("TOWPATH_ATTEMPT", "1.5"),
        ("TOWPATH_LOGGING_LOG_PRINTS", "maybe"),
        ("TOWPATH_BATCH_ITEMS", "0"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_would_be_right(tmp_path: Path, variable: str, text: str) -> None:
    setting = find_setting(variable)
    assert setting is not None
    with pytest.raises(SettingsError) as raised:
        settings_of(tmp_path, **{variable: text})
    assert variable in str(raised.value)
    assert "environment" in str(raised.value)
    assert setting.expects in str(raised.value)


def test_a_bad_value_in_a_profile_names_the_profile(tmp_path: Path) -> None:
    profile(tmp_path, "work", TOWPATH_ATTEMPT="many")
    with pytest.raises(SettingsError, match="profile 'work'"):
        settings_of(tmp_path)


def test_the_address_loses_its_last_slash(tmp_path: Path) -> None:
    assert settings_of(tmp_path, TOWPATH_API_URL="http://h:1/api/").api_url == "http://h:1/api"


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(settings_of(tmp_path, TOWPATH_API_TOKEN="hush"))
    with pytest.raises(SettingsError) as raised:
        settings_of(tmp_path, TOWPATH_API_TOKEN="   ")
    assert "what it is set to" in str(raised.value)


def test_settings_are_read_once_and_again_after_they_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    forget_settings()
    first = get_settings()
    monkeypatch.setenv("TOWPATH_LOGGING_LEVEL", "ERROR")
    assert get_settings() is first
    with overriding_settings(logging_level="DEBUG"):
        assert get_settings().logging_level == "DEBUG"
    assert get_settings() is first
    forget_settings()
    assert get_settings().logging_level == "ERROR"
    forget_settings()


def test_profiles_survive_being_written_and_read(tmp_path: Path) -> None:
    odd = 'quote " backslash \\ newline \n umlaut ü \x7f \x01'
    given = Profiles("a b", {"a b": {"TOWPATH_RESULTS_STORAGE": odd}, "c.d": {}})
    write_profiles(tmp_path, given)
    assert read_profiles(tmp_path) == given
    assert (tmp_path / "profiles.toml").stat().st_mode & 0o777 == 0o600


def test_profiles_written_by_hand_may_hold_numbers_booleans_and_lists(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(
        "[profiles.default]\nTOWPATH_FLUSH_TIMEOUT = 60\nTOWPATH_LOGGING_LOG_PRINTS = true\n"
        'TOWPATH_LOGGING_EXTRA_LOGGERS = ["a", "b"]\n'
    )
    settings = settings_of(tmp_path)
    assert (settings.flush_timeout, settings.logging_log_prints) == (60, True)
    assert settings.logging_extra_loggers == ("a", "b")


@pytest.mark.parametrize("content", [b"active = [", b"\xff\xfe", b"active = 3", b"[profiles]\ndefault = 1\n"])
def test_a_profiles_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "profiles.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"profiles\.toml"):
        settings_of(tmp_path)
