"""Files in TOWPATH_HOME by which a local server and the processes that use it find one another.

Each is nothing but a lock (flock) that ends with the processes that hold it. Used by `towpath server` and by the SDK's client.
"""

from typing import Final

SERVER_FILE: Final = "server.lock"
"""Held by the server. It says in JSON: `pid`, `url` without `/api`, `token` where callers must send one, `background`."""

USERS_FILE: Final = "server.users"
"""Shared by every process that uses a server in the background. A server that gets it alone ends with it in hand."""
