"""The traces of one worker: which batches and records are traced, and what an explanation goes on from."""

import asyncio
import logging
import random
import threading
from collections import OrderedDict
from contextlib import suppress
from itertools import chain
from time import monotonic, time_ns
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.step import FETCHED_NS, Batches
from agents.metrics import Metrics
from agents.tracing.batch_trace import BatchTrace, Destinations, TracedRecord
from agents.tracing.exporting import make_provider
from agents.tracing.headers import has_context, sampled_context_in, trace_headers
from schemas.dead_letter import Header

_REMEMBERED: Final = 10_000
"""Students whose explanations go on from their last traced record: those who were traced last."""
_REMEMBERED_S: Final = 3_600.0
_END_S: Final = 6.0

_log = logging.getLogger(__name__)


class Tracing:
    """Implements Traced; spans go to the receiver at `url`.

    A record is traced whose producer's trace is sampled, up to SKILLSTREAM_TRACES_PER_BATCH of a batch. A batch is
    where one of its records is, and of the others SKILLSTREAM_TRACES_RATIO are.
    """

    def __init__(self, url: str, settings: Settings, client: str, metrics: Metrics) -> None:
        channels = Channels.of(settings)
        self._destinations = Destinations(
            channels.activity,
            channels.updates,
            {
                "messaging.system": "kafka",
                "messaging.client.id": client,
                "messaging.consumer.group.name": settings.app_id,
            },
        )
        self._explanations = channels.reasoning
        self._ratio = settings.traces_ratio
        self._per_batch = settings.traces_per_batch
        self._metrics = metrics
        self._provider = make_provider(url, settings.app_id, client, metrics)
        self._tracer = self._provider.get_tracer("skillstream")
        self._remembered: OrderedDict[bytes, tuple[SpanContext, float]] = OrderedDict()
        self._random = random.Random()

    def begin(self, batches: Batches) -> BatchTrace | None:
        """See Traced."""
        traced = self._traced(batches)
        if not traced and self._random.random() >= self._ratio:
            return None
        count = sum(len(records) for records in batches.values())
        batch = BatchTrace(self._tracer, self._destinations, traced, count, FETCHED_NS.get())
        for key, context in batch.contexts.items():
            self._remembered[key] = context, monotonic()
            self._remembered.move_to_end(key)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return batch

    def explained(self, key: bytes, began_ns: int, generator: str) -> tuple[Header, ...]:
        """See Traced."""
        context, noted_s = self._remembered.get(key, (None, 0.0))
        if context is None or monotonic() - noted_s > _REMEMBERED_S:
            return ()
        span = self._tracer.start_span(
            f"explain {self._explanations}",
            context=trace.set_span_in_context(NonRecordingSpan(context)),
            kind=trace.SpanKind.PRODUCER,
            attributes={
                **self._destinations.attributes,
                "messaging.destination.name": self._explanations,
                "skillstream.generator": generator,
            },
            start_time=began_ns,
        )
        span.end(time_ns())
        return trace_headers(span.get_span_context())

    async def aclose(self) -> None:
        """See Traced."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=end, name="last spans", daemon=True).start()
        try:
            await asyncio.wait_for(ended.wait(), _END_S)
        except TimeoutError:
            _log.warning("The last spans were not sent within %g s", _END_S)

    def _traced(self, batches: Batches) -> list[TracedRecord]:
        found: list[TracedRecord] = []
        for record in chain.from_iterable(batches.values()):
            if not record.headers:
                continue
            if len(found) == self._per_batch:  # reading one context costs as much as folding an event
                self._metrics.untraced_records.add(has_context(record.headers))
            elif (context := sampled_context_in(record.headers)) is not None:
                found.append(TracedRecord(record, context))
        return found
