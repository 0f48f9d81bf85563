"""Serves the UI's built files at `/`: one page for every address that a browser asks for, and its hashed assets.

A middleware and no routes: the files are the same for everybody and say nothing of anyone's runs, while every route stays
guarded. Added by create_app. What it does not find goes on to the routes; without a build that is all there is.
"""

import mimetypes
from email.utils import formatdate
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

UI_DIST = Path(__file__).parent.parent / "ui_dist"
"""Where `make ui` puts the build; part of the wheel and the image."""

_NOT_PAGES = ("/api", "/metrics")
_ASSETS = "/assets/"
_HEADERS = {
    # Styles may be inline: component libraries set their variables so. Scripts may not, and nothing comes from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class UiFiles:
    """Answers GET and HEAD for the UI's files, and hands everything else on."""

    def __init__(self, app: ASGIApp, folder: Path = UI_DIST) -> None:
        self._app = app
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a file, or lets the app answer."""
        answer = self._app
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            answer = self._find_answer(scope["path"], Headers(scope=scope)) or self._app
        await answer(scope, receive, send)

    def _find_answer(self, path: str, headers: Headers) -> Response | None:
        if any(path == taken or path.startswith(f"{taken}/") for taken in _NOT_PAGES):
            return None
        file = find_file(self._folder, path)
        if file is None and not path.startswith(_ASSETS) and "text/html" in headers.get("accept", ""):
            file = find_file(self._folder, "/index.html")  # the page itself knows its addresses
        return None if file is None else _serve(file, path.startswith(_ASSETS), headers)


def find_file(folder: Path, path: str) -> Path | None:
    """The file in `folder` that `path` names; None when there is none, or when it would lie outside."""
    if "\0" in path:
        return None
    file = (folder / path.lstrip("/")).resolve()
    return file if file.is_relative_to(folder) and file.is_file() and file.suffix != ".gz" else None


def _serve(file: Path, hashed: bool, headers: Headers) -> Response:
    packed = file.with_name(f"{file.name}.gz")
    use_packed = "gzip" in headers.get("accept-encoding", "") and packed.is_file()
    sent = packed if use_packed else file
    stat = sent.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}{"-gz" if use_packed else ""}"'
    # Without a hash in its name a file may change under it: it is kept, and asked about each time.
    kept = _HEADERS | {"Cache-Control": _FOR_EVER if hashed else "no-cache", "ETag": etag}
    if etag in headers.get("if-none-match", ""):
        return Response(status_code=304, headers=kept)
    kept["Last-Modified"] = formatdate(stat.st_mtime, usegmt=True)
    if use_packed:
        kept["Content-Encoding"] = "gzip"
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return FileResponse(sent, headers=kept, media_type=media_type, stat_result=stat)
