"""Trace context in records' headers, by W3C's Trace Context: `traceparent`, and `tracestate` where there is one."""

from collections.abc import Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.dead_letter import Header

TRACE_HEADERS: Final = ("traceparent", "tracestate")
_CONTEXT: Final = TraceContextTextMapPropagator()


def has_context(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether there is one, sampled or not. Cheap."""
    return any(name == TRACE_HEADERS[0] for name, _ in headers)


def sampled_context_in(headers: Sequence[tuple[str, bytes | None]]) -> SpanContext | None:
    """The context that a producer gave to a record, if it is one, and its trace is wanted. Never raises."""
    given = {name: value.decode("latin-1") for name, value in headers if value and name in TRACE_HEADERS}
    if "traceparent" not in given:
        return None
    found: SpanContext = trace.get_current_span(_CONTEXT.extract(given)).get_span_context()
    return found if found.is_valid and found.trace_flags.sampled else None


def trace_headers(context: SpanContext) -> tuple[Header, ...]:
    """What tells a consumer which span it goes on from."""
    carrier: dict[str, str] = {}
    _CONTEXT.inject(carrier, trace.set_span_in_context(NonRecordingSpan(context)))
    return tuple((name, value.encode("latin-1")) for name, value in carrier.items())
