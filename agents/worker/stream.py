"""What a worker does with its partitions: the steps of its topics, what is written beside them, who has to know that a
partition came or went.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Final

from agents.config.dead_letters import dead_letter_writer
from agents.delivery.ownership import DeliveryHooks
from agents.kafka.errors import BrokerUnavailable
from agents.logs import lifecycle
from agents.reasoning.setup import now_us
from agents.worker.erasing import ErasureAcceptor, FoldedMeanwhile
from agents.worker.former_rows import remove_former_rows
from agents.worker.input_identity import CheckpointedStep, InputIdentity
from agents.worker.norm_journals import NormJournals
from agents.worker.norms import WorkerNorms
from agents.worker.outputs import Outputs
from agents.worker.parts import WorkerParts
from agents.worker.rescoring import Rescorer, RescoringStep
from agents.worker.steps import dead_letter_gate, topic_steps
from streams.input.checkpoint import IdentityLost

_CHECK_AGAIN_S: Final = 1.0


class WorkerStream:
    """Of one worker. Gives the app of `parts` its step and its hooks."""

    def __init__(self, parts: WorkerParts) -> None:
        settings, app, metrics = parts.settings, parts.app, parts.metrics
        self._parts = parts
        self._identity = InputIdentity(parts.input_topic(), app.table, parts.jumps, epoch=settings.epoch)
        epoch_of = self._identity.epoch_of
        self._gate = dead_letter_gate(parts, self._identity)
        outputs = Outputs(
            parts.channels,
            parts.keyring.sign,
            epoch_of,
            now_us,
            metrics.dead_letters_packed.add,
            parts.tenancy,
            dead_letter_writer(settings, parts.keyring),
        )
        self._journals: NormJournals | None = None
        if parts.norms is not None:
            self._journals = NormJournals(app.table, epoch_of, settings.norm_items, metrics.norm_journal_bytes.add)
        self._acceptor, self._erased_meanwhile = _acceptor(parts), FoldedMeanwhile(parts.keyring.authentic)
        steps = topic_steps(
            parts,
            self._identity,
            self._gate,
            outputs,
            self._journals,
            self._acceptor.accept,
            self._erased_meanwhile,
        )
        writer = app.attach(
            CheckpointedStep(steps, self._identity, parts.channels.activity),
            DeliveryHooks(self._recovered, self._revoked, parts.observer.repaired, parts.jumps.note),
        )
        self._writer = writer
        self._rescorer = Rescorer(
            RescoringStep(parts.pipeline, app.table.rows, outputs, parts.observer.rescored),
            writer,
            app.table.rows,
            self._identity,
            lambda: parts.config.rescore,
            app.complete_partitions,
            settings.rescore_students_per_s,
        )
        self._norms: WorkerNorms | None = None
        if self._journals is not None and parts.norms is not None:
            self._norms = WorkerNorms(parts, parts.norms, self._journals, writer)
        self._recovering_since_s = time.monotonic()

    def jobs(self) -> list[Coroutine[None, None, None]]:
        """What is to be run beside the stream."""
        return [
            self._identity.watch(),
            self._rescorer.run(),
            self._acceptor.run(),
            remove_former_rows(self._parts.store),
            *([] if self._norms is None else self._norms.jobs()),
            *([] if self._parts.holding is None else [self._parts.holding.follow(self._writer)]),
        ]

    def refresh(self) -> None:
        """Set the gauges, for `Metrics.before_render`."""
        metrics, holding = self._parts.metrics, self._parts.holding
        metrics.dead_letter_ratio.set(self._gate.share)
        metrics.erasures_open.set(len(self._erased_meanwhile.open))
        metrics.erasures_oldest_s.set(self._erased_meanwhile.open.oldest_s)
        metrics.former_rows.set(self._parts.store.former_rows())
        if holding is not None:
            held = holding.by_tenant().items()
            metrics.tenant_held.replace({(tenant,): float(len(partitions)) for tenant, partitions in held})
        if self._norms is not None:
            self._norms.refresh()

    def close(self) -> None:
        """Let go of what was opened here."""
        if self._norms is not None:
            self._norms.close()

    async def _recovered(self, active: frozenset[int]) -> None:
        app, holding, explanations = self._parts.app, self._parts.holding, self._parts.explanations
        starting = self._parts.starting
        try:
            await self._check_inputs(active)
        except IdentityLost:
            if app.ownership.active == active:
                raise
        if app.ownership.active != active:
            return  # they moved on meanwhile, and their offsets with them: whoever owns them checks them
        if holding is not None:
            await holding.recovered(active)
        if starting is not None:
            await starting.recovered(active)
        if self._journals is not None:
            self._journals.restore(active)
        took_s = time.monotonic() - self._recovering_since_s
        self._parts.metrics.recovery_duration_s.observe(took_s)
        lifecycle.recovered(len(app.table.rows), app.table.restored_records, took_s)
        if explanations is not None:
            explanations.rebuild(active)

    async def _check_inputs(self, active: frozenset[int]) -> None:
        """Identity.check, as soon as the broker answers what it asks."""
        outage = self._parts.app.outage
        try:
            while True:
                try:
                    return await self._identity.check(active)
                except BrokerUnavailable as unknown:
                    outage.begin("input topic", unknown)
                await asyncio.sleep(_CHECK_AGAIN_S)
        finally:
            outage.back("input topic")

    async def _revoked(self, partitions: frozenset[int]) -> None:
        lifecycle.revoked(partitions)
        self._recovering_since_s = time.monotonic()
        self._parts.metrics.rebalances.add()
        self._rescorer.interrupt()
        parts = self._parts
        for dropped in (
            self._gate,
            self._erased_meanwhile,
            self._journals,
            self._norms,
            parts.starting,
            parts.explanations,
        ):
            if dropped is not None:
                dropped.drop(partitions)


def _acceptor(parts: WorkerParts) -> ErasureAcceptor:
    activity, partitions, app = parts.input_topic(), parts.settings.partitions, parts.app
    return ErasureAcceptor(
        parts.channels.erasures, lambda: activity.ends(partitions), app.writer.send, parts.keyring.sign, app.outage
    )
