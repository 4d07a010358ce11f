"""Spans on their way out: a bounded queue, a thread of OpenTelemetry's, OTLP over HTTP; and how many got there.

What is of OpenTelemetry alone is set by its own variables: `OTEL_EXPORTER_OTLP_HEADERS`, `_CERTIFICATE`,
`_COMPRESSION`, `_TIMEOUT`, `OTEL_BSP_*`, `OTEL_RESOURCE_ATTRIBUTES`.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, cast

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from agents.metrics import Metrics


class CountedExporter:
    """An exporter whose spans are counted by what became of them."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._metrics = metrics

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Blocks for OTEL_EXPORTER_OTLP_TIMEOUT (10 s) at most."""
        result = self._exporter.export(spans)
        self._metrics.spans.add("exported" if result is SpanExportResult.SUCCESS else "failed", len(spans))
        return result

    def shutdown(self) -> None:
        """Give up what is under way."""
        self._exporter.shutdown()


def make_provider(url: str, service: str, client: str, metrics: Metrics) -> TracerProvider:
    """Of spans that go to the receiver at `url`, all that are made: who makes one has decided that it is wanted."""
    resource = Resource.create(
        {"service.name": service, "service.version": version("skillstream"), "service.instance.id": client}
    )
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(cast(Any, CountedExporter(exporter, metrics))))
    return provider
