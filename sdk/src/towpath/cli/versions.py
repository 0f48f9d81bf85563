"""What runs here, in which version. Called by `towpath version`, without typer where nothing is to be parsed."""

import platform

from towpath import __version__
from towpath.contract.names import API_VERSION
from towpath.settings import get_settings


def collect_versions() -> dict[str, str | None]:
    """The facts, by name. `api` is the API's address, None when none is set."""
    return {
        "version": __version__,
        "resources": API_VERSION,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "api": get_settings().api_url,
    }


def show_versions() -> None:
    """Prints the facts for people."""
    for name, value in collect_versions().items():
        print(f"{name.capitalize() + ':':<11} {value or 'not set'}")
