"""A receiver of traces in this process: OTLP over HTTP, as a collector is one."""

from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class OtlpReceiver:
    """Keeps all that it is sent, from any thread."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    receiver.bodies.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """For SKILLSTREAM_TRACES."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def resources(self) -> list[dict[str, str]]:
        """Who sent, as each request says."""
        return [_said(each.resource) for request in self._requests() for each in request.resource_spans]

    @property
    def spans(self) -> list["ReceivedSpan"]:
        """All spans so far."""
        senders = (each for request in self._requests() for each in request.resource_spans)
        return [ReceivedSpan(span) for each in senders for scope in each.scope_spans for span in scope.spans]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _requests(self) -> list[Any]:
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]


class ReceivedSpan:
    """A span as a collector sees it."""

    def __init__(self, span: Any) -> None:
        self.name: str = span.name
        self.trace: str = span.trace_id.hex()
        self.id: str = span.span_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.links: list[tuple[str, str]] = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
        self.said = _said(span)
        self.began_ns: int = span.start_time_unix_nano
        self.ended_ns: int = span.end_time_unix_nano
        self.is_error: bool = span.status.code == 2


def _said(of: Any) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in of.attributes}
