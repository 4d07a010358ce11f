"""The trace of one batch, and of the records in it that came with a trace of their own.

    one traced record      producer's span ─► process ─┬─ fetch, decode, fold, score, encode, send
                                                       └─ ─► who reads the update, or the explanation
    several, or none       producer's span ─► process ◄─link─► process (of the batch) ─── fetch, decode, …

Attributes are those of OpenTelemetry's conventions for messaging. None says who the student is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import time_ns

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from agents.delivery.step import Output
from agents.tracing.headers import trace_headers
from schemas.dead_letter import Header
from schemas.dialects import Record
from streams.input.origin import origin_in


@dataclass(frozen=True, slots=True)
class TracedRecord:
    """A record, and the span of who produced it."""

    record: Record
    context: SpanContext


@dataclass(frozen=True, slots=True)
class Destinations:
    """What spans say of where records come from and go to."""

    activity: str
    updates: str
    attributes: Mapping[str, str]


class BatchTrace:
    """Implements TracedBatch. It ends when the last of its partitions is confirmed; if that never is, it is lost."""

    def __init__(
        self,
        tracer: Tracer,
        destinations: Destinations,
        traced: Sequence[TracedRecord],
        records: int,
        fetched_ns: int,
    ) -> None:
        self._tracer = tracer
        self._destinations = destinations
        self._left: set[int] = set()
        began_ns = time_ns()
        fetched_ns = min(fetched_ns, began_ns) or began_ns
        parent = traced[0].context if len(traced) == 1 else None
        said = {"messaging.batch.message_count": records, **(_said_of(traced[0].record) if parent else {})}
        links = [Link(each.context) for each in traced] if parent is None else []
        self._batch = self._process(parent, said, links, fetched_ns)
        self._spans = [self._batch]
        self._by_key: dict[tuple[int, bytes | None], tuple[Header, ...]] = {}
        self._by_offset: dict[tuple[int, int], tuple[Header, ...]] = {}
        self.contexts: dict[bytes, SpanContext] = {}
        for each in traced:
            self._follow(each, fetched_ns, parent)
        self._span("fetch", fetched_ns).end(began_ns)
        self._sending: Span | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """See TracedBatch."""
        span = self._span(name, time_ns())
        try:
            yield
        finally:
            span.end()

    def marked(self, outputs: Sequence[Output]) -> list[Output]:
        """See TracedBatch."""
        return [
            output._replace(headers=(*output.headers, *headers)) if (headers := self._headers(output)) else output
            for output in outputs
        ]

    def sends(self, partitions: Collection[int]) -> None:
        """See TracedBatch."""
        self._left = set(partitions)
        name = self._destinations.updates
        self._sending = self._tracer.start_span(
            f"send {name}",
            context=trace.set_span_in_context(self._batch),
            kind=SpanKind.PRODUCER,
            attributes=self._said("send", name),
        )

    def failed(self, error: BaseException) -> None:
        """See TracedBatch."""
        for span in self._spans:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__name__)
        self._end()

    def confirmed(self, partition: int) -> None:
        """See TracedBatch."""
        self._left.discard(partition)
        if not self._left:
            self._end()

    def _follow(self, traced: TracedRecord, fetched_ns: int, parent: SpanContext | None) -> None:
        """Let what the record leads to go on from its span."""
        record, span = traced.record, self._batch
        if parent is None:
            links = [Link(self._batch.get_span_context())]
            span = self._process(traced.context, _said_of(record), links, fetched_ns)
            self._spans.append(span)
        context = span.get_span_context()
        headers = trace_headers(context)
        self._by_key[record.partition, record.key] = headers
        self._by_offset[record.partition, record.offset] = headers
        if record.key is not None:
            self.contexts[record.key] = context

    def _headers(self, output: Output) -> tuple[Header, ...]:
        if output.topic == self._destinations.updates:
            return self._by_key.get((output.partition, output.key), ())
        if output.topic == self._destinations.activity:
            came_from = origin_in([(name, value or b"") for name, value in output.headers])
            return self._by_offset.get(came_from.position[:2], ()) if came_from is not None else ()
        return ()

    def _process(
        self, parent: SpanContext | None, said: Mapping[str, str | int], links: Sequence[Link], began_ns: int
    ) -> Span:
        name = self._destinations.activity
        around = trace.NonRecordingSpan(parent) if parent is not None else trace.INVALID_SPAN
        return self._tracer.start_span(
            f"process {name}",
            context=trace.set_span_in_context(around),
            kind=SpanKind.CONSUMER,
            attributes={**self._said("process", name), **said},
            links=links,
            start_time=began_ns,
        )

    def _span(self, name: str, began_ns: int) -> Span:
        return self._tracer.start_span(name, context=trace.set_span_in_context(self._batch), start_time=began_ns)

    def _said(self, operation: str, topic: str) -> dict[str, str]:
        return {
            **self._destinations.attributes,
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
            "messaging.destination.name": topic,
        }

    def _end(self) -> None:
        for span in (self._sending, *reversed(self._spans)):
            if span is not None and span.is_recording():
                span.end()


def _said_of(record: Record) -> dict[str, str | int]:
    return {"messaging.destination.partition.id": str(record.partition), "messaging.kafka.offset": record.offset}
