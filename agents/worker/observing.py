"""What happens in the stream, as metrics and log lines."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from agents.dashboard.sums import LAST_DEAD_LETTERS
from agents.health import SourceFailures
from agents.logs import lifecycle
from agents.metrics import Metrics
from agents.metrics.seen_names import SeenNames
from agents.worker.position_jumps import Jump
from schemas.dead_letter import DeadLetter
from streams.input.tenant_decoding import TenantDecoding
from streams.pipeline import BatchOutcome, PartitionResult
from streams.rows.row_batch import Integers
from streams.scoring.config_log import RefusedEntry

_log = logging.getLogger(__name__)


class StreamObserver:
    """Of one worker; hears of all that its parts do. `on_dead_letters` hears of the last few dead letters of a batch.
    `tenants` decodes, where there are any.
    """

    def __init__(
        self,
        metrics: Metrics,
        seen: SeenNames,
        failures: SourceFailures,
        tenants: TenantDecoding | None = None,
    ) -> None:
        self._metrics, self._seen, self._failures = metrics, seen, failures
        self.on_dead_letters: Callable[[Iterable[DeadLetter]], None] = _shown_to_nobody
        self._tenants = tenants

    def processed(self, outcome: BatchOutcome, duration_s: float) -> None:
        """A batch was folded and scored."""
        results = outcome.partitions.values()
        self._metrics.add_counts(outcome.counts)
        self._seen.add(outcome.counts.unknown)
        self._metrics.batches.add()
        self._metrics.batch_records.observe(outcome.counts.records_in)
        self._metrics.step_duration_s.observe(duration_s)
        sizes = (len(row) for result in results for row in result.rows.values() if row is not None)
        if (largest := max(sizes, default=0)) > 0:
            self._metrics.row_bytes.observe(largest)
        self._metrics.updates.add(sum(len(result.updates) for result in results))
        for result in results:
            self.on_dead_letters(found for _, found in result.dead_letters[-LAST_DEAD_LETTERS:])
        if self._tenants is not None:
            self._count_tenants(self._tenants, results)
        for record in (record for result in results for record in result.attention):
            self._metrics.attention_records.add(record.reason)
            lifecycle.attention_raised(record.reason)
        if outcome.scored is not None:
            self._metrics.degraded_updates.add(outcome.scored.degraded)

    def _count_tenants(self, tenants: TenantDecoding, results: Collection[PartitionResult]) -> None:
        """By tenant, once a batch."""
        metrics, tenancy, read = self._metrics, tenants.tenancy, tenants.take_counts()
        updates = Counter(tenancy.of_student(key.decode()) for result in results for key in result.updates)
        dead = Counter(tenancy.of_record(record) for result in results for record, _ in result.dead_letters)
        for counter, counts in (
            (metrics.tenant_records, read.records),
            (metrics.tenant_events, read.events),
            (metrics.tenant_updates, updates),
            (metrics.tenant_dead_letters, dead),
        ):
            for tenant, count in counts.items():
                counter.add(tenant, count)

    def confirmed(self, timestamps_ms: Integers) -> None:
        """All that the records of these times led to is confirmed."""
        self._metrics.latency_s.observe(timestamps_ms, time.time() * 1000)

    def source_failed(self, source: str, error: BaseException) -> None:
        """A source of evidence raised."""
        self._metrics.source_failures.add(source)
        self._failures.note(source)
        _log.warning("Source %s failed, scores go on without it: %r", source, error)

    def config_refused(self, entry: RefusedEntry) -> None:
        """A record of `fusion-config` cannot be put in force."""
        self._metrics.fusion_config_refused.add(entry.refusal)

    def rescored(self, students: int) -> None:
        """So many were scored anew."""
        self._metrics.rescored_students.add(students)
        self._metrics.updates.add(students)

    def repaired(self, _partition: int, rows: int) -> None:
        """Rows of the changelog were set right after a zombie's."""
        self._metrics.rows_repaired.add(rows)

    def jumped(self, jump: Jump) -> None:
        """A position left records out."""
        self._metrics.position_jumps.add(jump.topic)
        self._metrics.skipped_offsets.add(jump.topic, jump.offsets)


def _shown_to_nobody(_dead_letters: Iterable[DeadLetter]) -> None:
    """Before there are pages."""
