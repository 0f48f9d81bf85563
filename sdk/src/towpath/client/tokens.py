"""The token that goes with every request, read again when its file changes. Called by `transport` and `api`."""

from pathlib import Path

from towpath.errors import SettingsError
from towpath.settings import Settings


class TokenSource:
    """Where the token comes from.

    Kubernetes replaces a projected token about once an hour, so a file is looked at before each request and read again
    when it is another one. Never shows the token.
    """

    def __init__(self, token: str | None, token_file: Path | None) -> None:
        self._token = token
        self._file = token_file
        self._seen: tuple[int, int, int] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "TokenSource":
        """The source that the settings name; the file counts before the token."""
        return cls(settings.api_token, settings.api_token_file)

    def read(self) -> str | None:
        """The token now; None when there is none to send.

        Raises:
            SettingsError: the token file cannot be read, or does not hold a token.
        """
        if self._file is None:
            return self._token
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._token = self._check(self._file.read_text(encoding="ascii").strip())
                self._seen = seen
        except OSError as error:
            raise SettingsError(f"TOWPATH_API_TOKEN_FILE: {self._file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise SettingsError(f"TOWPATH_API_TOKEN_FILE: {self._file} does not hold a token.") from None
        return self._token

    def _check(self, text: str) -> str:
        if not text or any(char.isspace() for char in text):
            raise SettingsError(f"TOWPATH_API_TOKEN_FILE: {self._file} does not hold a token.")
        return text

    def __repr__(self) -> str:
        """Says where from, never what."""
        return f"TokenSource({self._file or ('a token' if self._token else None)})"
