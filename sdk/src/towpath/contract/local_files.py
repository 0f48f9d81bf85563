"""Files in TOWPATH_HOME by which a local server and the processes that use it find one another.

Each is locked (flock) by the processes that it stands for, and so says when they have ended, however that was. Used by `towpath
server` and by the SDK's client.
"""

from typing import Final

SERVER_FILE: Final = "server.lock"
"""Held by the server. It says in JSON: `pid`, `url` without `/api`, `token` where callers must send one, `background`."""

USERS_FILE: Final = "server.users"
"""Shared by every process that uses a server in the background. A server that gets it alone ends with it in hand."""

SPOOL_FOLDER: Final = "spool"
SPOOL_SUFFIX: Final = ".events"
"""What a process has told and could not deliver is in files of that folder, each held by the process that writes it."""
