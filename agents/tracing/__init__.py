"""Traces of what becomes of events, as OpenTelemetry has them (docs/tracing.md). Off unless SKILLSTREAM_TRACES says
where they go: then nothing of OpenTelemetry is imported, and no step asks for it.
"""

from agents.tracing.opening import Traced, TracedBatch, open_tracing, require_tracing

__all__ = ["Traced", "TracedBatch", "open_tracing", "require_tracing"]
