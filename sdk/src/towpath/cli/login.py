"""`towpath login` and `towpath logout`: a token for the API of a cluster, kept in the active profile."""

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from towpath.cli.config import get_active_profile, warn_of_environment
from towpath.contract.durations import parse_duration
from towpath.contract.names import API_AUDIENCE
from towpath.errors import SettingsError, TowpathError
from towpath.profiles import write_profiles
from towpath.settings import find_setting, get_settings, parse_setting

if TYPE_CHECKING:
    from towpath.contract.sessions import SessionRead

login_app = typer.Typer(add_completion=False)
logout_app = typer.Typer(add_completion=False)
TOKEN = "TOWPATH_API_TOKEN"
URL = "TOWPATH_API_URL"
_ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KUBECTL_SECONDS = 120


@login_app.command()
def login(
    account: Annotated[str, typer.Argument(help="The ServiceAccount to be.")] = "default",
    namespace: Annotated[
        str | None, typer.Option("-n", "--namespace", help="Its namespace; kubectl's if left out.")
    ] = None,
    duration: Annotated[str, typer.Option(metavar="DURATION", help="How long the token is to last, as 8h.")] = "8h",
    context: Annotated[
        str | None, typer.Option(help="The context of the kubeconfig; its current one if left out.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="The API's address, which is kept too; TOWPATH_API_URL if left out.")
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from the standard input instead of asking kubectl.")
    ] = False,
) -> None:
    """Get a token for the API from the cluster, by kubectl, and keep it in the active profile."""
    address = _parse_url(url) if url is not None else get_settings().api_url
    if address is None:
        raise SettingsError(f"Say where the API is: give --url, or set {URL}.")
    token = _read_token() if token_stdin else ask_kubectl(account, namespace, duration, context)
    session = _check(address, token)
    home, profiles, name = get_active_profile()
    kept = {TOKEN: token} | ({URL: address} if url is not None else {})
    write_profiles(home, profiles._replace(values={**profiles.values, name: {**profiles.values[name], **kept}}))
    print(f"Logged in to {address} as {session.user!r}.")
    if session.expires is not None:
        print(f"The token lasts until {session.expires.astimezone().isoformat(' ', 'minutes')}.")
    print(f"Updated profile {name!r}.")
    for variable in kept:
        setting = find_setting(variable)
        if setting is not None:
            warn_of_environment(setting)


@logout_app.command()
def logout() -> None:
    """Forget the token in the active profile. The token itself lasts until its own end."""
    home, profiles, name = get_active_profile()
    values = dict(profiles.values[name])
    if values.pop(TOKEN, None) is None:
        print(f"Profile {name!r} holds no token.")
        return
    write_profiles(home, profiles._replace(values={**profiles.values, name: values}))
    print("Logged out.")
    print(f"Updated profile {name!r}.")


def _parse_url(text: str) -> str:
    setting = find_setting(URL)
    return text if setting is None else parse_setting(setting, text, "given here")


def _read_token() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise TowpathError("The standard input holds no token.")
    return token


def ask_kubectl(account: str, namespace: str | None, duration: str, context: str | None) -> str:
    """A token of a ServiceAccount, for the API alone.

    Raises:
        TowpathError: kubectl is not there, or the cluster gives none; with what it says.
    """
    try:
        seconds = int(parse_duration(duration).total_seconds())
    except ValueError as error:
        raise TowpathError(f"--duration: {error}.") from None
    if not _ACCOUNT.fullmatch(account):  # kubectl takes no `--` before it
        raise TowpathError(f"{account!r} is no ServiceAccount's name.")
    command = ["kubectl"]
    command += ["--context", context] if context is not None else []
    command += ["--namespace", namespace] if namespace is not None else []
    command += ["create", "token", account, "--audience", API_AUDIENCE, f"--duration={seconds}s"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_KUBECTL_SECONDS)
    except FileNotFoundError:
        raise TowpathError("kubectl is not installed: install it, or give a token with --token-stdin.") from None
    except subprocess.TimeoutExpired:
        raise TowpathError(f"kubectl has not answered for {_KUBECTL_SECONDS} s: is the cluster there?") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        said = next((line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "")
        raise TowpathError(f"kubectl gives no token: {said or f'it ended with {done.returncode}'}")
    return done.stdout.strip()


def _check(url: str, token: str) -> "SessionRead":
    """Who the API says that the token is of.

    Raises:
        ApiError: when it is not there, or does not take the token.
    """
    from towpath.client.api import ApiClient  # noqa: PLC0415 - see asking.open_api
    from towpath.client.tokens import TokenSource  # noqa: PLC0415

    with ApiClient(url, TokenSource(token, None), get_settings().request_timeout) as client:
        return client.get_session()
