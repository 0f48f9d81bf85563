"""A real HTTP server on loopback that takes event batches as the API does, and fails as it is told to.

It applies each (run, attempt, writer, sequence) once. Its faults are what networks and servers do: refuse, hang up before or
after the commit, answer 429 or 500, refuse items. No tag has a limit.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.support.server_process import free_port

Fault = Literal["ok", "hang_up_before", "hang_up_after", "429", "500", "503", "413", "422", "stale", "refuse_first"]


class EventSink:
    """Takes batches and remembers what was applied, in the order in which it was.

    Attributes:
        applied: the items of each writer, in order.
        heads: run id and attempt of each writer.
        requests: how many requests came.
        tokens: the Authorization headers that came.
        faults: what the next requests meet, one each; then `ok`.
        gone: ids of runs that are deleted: a 404 for their batches.
        refuse: an item for which this is true makes the whole batch a 422.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, port: int = 0) -> None:
        self.applied: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.heads: dict[str, tuple[str, int]] = {}
        self.requests = 0
        self.tokens: list[str | None] = []
        self.faults: list[Fault] = list(faults)
        self.gone: set[str] = set()
        self.refuse: Callable[[dict[str, Any]], bool] = lambda item: False
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()
        self._next: dict[str, int] = defaultdict(lambda: 1)
        sink = self

        class Handler(_Handler):
            def do_POST(self) -> None:
                if self.path.endswith("/slots"):
                    self.rfile.read(int(self.headers["Content-Length"]))
                    self.answer(200, {"granted": True, "limited": [], "lease_seconds": 60})
                else:
                    sink.take(self)

        self._server = _listen(port, Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def take(self, handler: "_Handler") -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.gate.wait(30)
        with self.changed:
            self.requests += 1
            self.tokens.append(handler.headers["Authorization"])
            fault: Fault = self.faults.pop(0) if self.faults else "ok"
            if fault == "hang_up_before":
                return handler.hang_up()
            if fault in ("429", "500", "503", "413", "422"):
                headers = {"Retry-After": "0.02"} if fault in ("429", "503") else {}
                return handler.answer(int(fault), {"detail": f"fault {fault}", "code": "x"}, headers)
            batch = json.loads(body)
            if batch["run_id"] in self.gone:
                return handler.answer(404, {"detail": "There is no such run.", "code": "run_not_found"})
            if any(self.refuse(item) for item in batch["items"]):
                return handler.answer(422, {"detail": "an item that cannot be read", "code": "invalid_request"})
            count = self._apply(batch)
            self.changed.notify_all()
        if fault == "hang_up_after":
            return handler.hang_up()
        refused = [{"sequence": batch["first_sequence"], "detail": "no such kind"}] if fault == "refuse_first" else []
        return handler.answer(200, {"applied": count, "refused": refused, "stale": fault == "stale"})

    def _apply(self, batch: dict[str, Any]) -> int:
        writer, first = batch["writer"], batch["first_sequence"]
        self.heads[writer] = (batch["run_id"], batch["attempt"])
        assert first <= self._next[writer], f"a gap: {first} after {self._next[writer] - 1}"
        new = batch["items"][self._next[writer] - first :]
        self.applied[writer] += new
        self._next[writer] += len(new)
        return len(new)

    def wait_for(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout), f"never so: {self.count()} events came"

    def count(self) -> int:
        return sum(len(items) for items in self.applied.values())

    def messages(self) -> list[str]:
        return [item["message"] for items in self.applied.values() for item in items if item["kind"] == "log"]

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "EventSink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listen(port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """A server on the port, or for 0 on one that stays free when it goes, for another to take its place."""
    while True:
        try:
            return ThreadingHTTPServer(("127.0.0.1", port or free_port()), handler)
        except OSError:
            if port:
                raise


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
