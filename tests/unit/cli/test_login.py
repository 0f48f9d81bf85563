"""`towpath login` and `logout`: what is asked of kubectl, what is kept, and what is said when it fails."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest

from towpath.cli import login, run_guarded
from towpath.contract.sessions import SessionRead
from towpath.errors import ApiRefused
from towpath.profiles import profiles_path, read_profiles
from towpath.settings import forget_settings

URL = "http://towpath.example/api"
SESSION = SessionRead(user="system:serviceaccount:team:me", how="token", everywhere={}, namespaces=[])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A home without settings, an API that takes the token `good`, and a kubectl that gives it and keeps what it was asked."""
    for variable in ("TOWPATH_API_URL", "TOWPATH_PROFILE", "TOWPATH_API_TOKEN", "KUBECONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))

    def check(url: str, token: str) -> SessionRead:
        if token != "good":
            raise ApiRefused("The token is not valid.", 401, "unauthenticated")
        return SESSION

    monkeypatch.setattr(login, "_check", check)
    make_kubectl(tmp_path, monkeypatch, 'echo "$@" > "$0.asked"; echo good')
    forget_settings()
    yield tmp_path / "home"
    forget_settings()


def make_kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a program named kubectl first on the PATH."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    forget_settings()
    assert run_guarded(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_token_is_asked_for_checked_and_kept_for_its_owner_alone(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    said = run(capsys, "login", "me", "-n", "team", "--duration", "1h", "--context", "prod", "--url", URL)
    assert said == f"Logged in to {URL} as 'system:serviceaccount:team:me'.\nUpdated profile 'default'.\n"
    assert read_profiles(home).values["default"] == {"TOWPATH_API_TOKEN": "good", "TOWPATH_API_URL": URL}
    assert stat.S_IMODE(profiles_path(home).stat().st_mode) == 0o600
    asked = (home.parent / "bin" / "kubectl.asked").read_text().strip()
    assert asked == "--context prod --namespace team create token me --audience towpath-api --duration=3600s"


def test_logging_out_forgets_the_token_and_nothing_else(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    run(capsys, "login", "--url", URL)
    assert run(capsys, "logout") == "Logged out.\nUpdated profile 'default'.\n"
    assert read_profiles(home).values["default"] == {"TOWPATH_API_URL": URL}
    assert run(capsys, "logout") == "Profile 'default' holds no token.\n"


def test_a_token_may_be_given(capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("good\n"))
    run(capsys, "config", "set", f"TOWPATH_API_URL={URL}")
    run(capsys, "login", "--token-stdin")
    assert read_profiles(home).values["default"]["TOWPATH_API_TOKEN"] == "good"


def test_what_the_environment_overrides_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_API_TOKEN", "other")
    assert "'TOWPATH_API_TOKEN' is also set in the environment" in run(capsys, "login", "--url", URL)


@pytest.mark.parametrize(
    ("script", "arguments", "says"),
    [
        ("echo bad", ("--url", URL), "The token is not valid."),
        ("echo 'Error: accounts is forbidden' >&2; exit 1", ("--url", URL), "accounts is forbidden"),
        ("echo 'error: no NAME'; echo 'error: one NAME' >&2; echo 'See help' >&2; exit 1", ("--url", URL), "one NAME"),
        ("exit 3", ("--url", URL), "ended with 3"),
        ("echo good", (), "--url"),
        ("echo good", ("--url", "ftp://x"), "TOWPATH_API_URL"),
        ("echo good", ("--url", URL, "--duration", "soon"), "--duration"),
        ("echo good", ("--url", URL, "--token-stdin"), "no token"),
    ],
)
def test_what_fails_is_said_and_keeps_nothing(
    capsys: pytest.CaptureFixture[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    make_kubectl(home.parent, monkeypatch, script)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert says in run(capsys, "login", *arguments, code=1)
    assert not profiles_path(home).exists()


def test_without_kubectl_there_is_another_way(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    assert "--token-stdin" in run(capsys, "login", "--url", URL, code=1)


@pytest.mark.parametrize("account", ["--as=admin", "A", "a b", "a/b", "-"])
def test_what_is_no_accounts_name_never_reaches_kubectl(
    capsys: pytest.CaptureFixture[str], home: Path, account: str
) -> None:
    assert "no ServiceAccount's name" in run(capsys, "login", "--url", URL, "--", account, code=1)
    assert not (home.parent / "bin" / "kubectl.asked").exists()
