"""A loopback HTTP server in a thread, answering by a function: what stand-ins for servers are made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; the body is a JSON object, a form, or empty."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


Respond = Callable[[Asked], tuple[int, Mapping[str, Any] | str]]


class LoopbackHttp:
    """A context manager; `respond` gives status and JSON object, or a text, of each answer. Keeps what it was asked."""

    def __init__(self, respond: Respond) -> None:
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                is_json = not sent or sent.startswith(b"{")
                given = json.loads(sent or b"{}") if is_json else dict(parse_qsl(sent.decode()))
                asked = Asked(self.command, self.path, headers, given)
                server.asked.append(asked)
                status, document = respond(asked)
                is_text = isinstance(document, str)
                body = (document if isinstance(document, str) else json.dumps(document)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml" if is_text else "application/json")
                self.send_header("Content-Length", str(len(body)))
                if status // 100 == 3 and not isinstance(document, str):
                    self.send_header("Location", str(document["location"]))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
