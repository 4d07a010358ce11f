"""The steps of all topics that a worker reads, put together."""

from functools import lru_cache
from typing import TypeAlias

from agents.config.tenants import Tenants
from agents.operations.dead_letters.gate import DeadLetterGate
from agents.operations.dead_letters.past import PastDeadLetters
from agents.operations.dead_letters.tenant_gate import TenantGate
from agents.reasoning.setup import now_us, policy_of
from agents.worker.erasing import Accept, Erasing, FoldedMeanwhile, NotedStep
from agents.worker.input_identity import InputIdentity
from agents.worker.internal_steps import InternalStep, QueuedRows, ResultReading
from agents.worker.norm_journals import NormJournals
from agents.worker.outputs import Outputs
from agents.worker.parts import WorkerParts
from agents.worker.student_step import StudentStep, TopicSteps, most_students
from streams.context import ProcessingContext, no_attention, nothing_noted
from streams.input.partitioner import partitioner
from streams.input.placement import KeyPlacement
from streams.input.poison import PoisonLimits
from streams.pipeline import PartitionResult
from streams.reasoning.policy.marking import PendingMarker
from streams.scoring.kinds import fitted_skills

AnyGate: TypeAlias = DeadLetterGate | TenantGate


def topic_steps(
    parts: WorkerParts,
    identity: InputIdentity,
    gate: AnyGate,
    outputs: Outputs,
    journals: NormJournals | None,
    accept: Accept,
    meanwhile: FoldedMeanwhile,
) -> TopicSteps:
    """Events are folded and scored; results of explanations, and wishes to be erased, are written into rows.

    `journals` are None where norms are off. `accept` has wishes to be erased accepted, `meanwhile` knows what is folded
    until then.
    """
    settings, channels, pipeline, observer = parts.settings, parts.channels, parts.pipeline, parts.observer
    rows, policy = parts.app.table.rows, policy_of(settings)
    tally = parts.metrics.internal_records.add
    queue = parts.explanations.queue if parts.explanations is not None else None
    marker = PendingMarker(queue, policy, lambda: parts.skill_set().levels, now_us) if queue is not None else None
    context = ProcessingContext(
        rows=rows,
        owning_partition=KeyPlacement(partitioner(settings.partitioner), settings.partitions),
        epoch_of=identity.epoch_of,
        most_students=most_students(len(pipeline.skill_set.names)),
        gate=gate.check if parts.starting is None else parts.starting.before(gate.check),
        note_pending=marker or nothing_noted,
        attention_from=identity.new_from if channels.attention else no_attention,
    )
    queued = QueuedRows(rows, queue)
    reading = ResultReading(queued, parts.skill_set, policy, fitted_skills(parts.skill_set(), pipeline.artifact))
    erasing = Erasing(
        rows=queued,
        owning_partition=context.owning_partition,
        channels=channels,
        sign=parts.keyring.sign,
        authentic=parts.keyring.authentic,
        epoch_of=identity.epoch_of,
        topic_id=lambda: identity.topic_id,
        accept=accept,
        meanwhile=meanwhile,
    )
    return TopicSteps(
        {
            channels.activity: NotedStep(
                StudentStep(
                    pipeline,
                    context,
                    outputs,
                    observer.processed,
                    marker.offer if marker else _nobody_is_owed,
                    observer.confirmed,
                    parts.traced,
                    journals.journaled if journals else _nothing_is_journaled,
                ),
                meanwhile,
            ),
            channels.results: InternalStep(reading, "results_dead_lettered", outputs, tally),
            channels.erasures: InternalStep(erasing, "erasures_dead_lettered", outputs, tally),
        }
    )


def dead_letter_gate(parts: WorkerParts, identity: InputIdentity) -> AnyGate:
    """By the settings' limits of what may be dead-lettered: of each tenant, where there are any."""
    settings, channels, authentic = parts.settings, parts.channels, parts.keyring.authentic
    limits = PoisonLimits(
        max_ratio=settings.dead_letter_max_ratio,
        window_records=settings.dead_letter_min_records,
        max_consecutive=settings.dead_letter_max_consecutive,
    )
    if parts.holding is not None:
        tenants = Tenants.of(settings)
        limits_of = lru_cache(maxsize=None)(lambda tenant: tenants.poison_limits(tenant, limits))
        return TenantGate(limits_of, tenants.tenancy, authentic, parts.holding.hold, identity.new_from)
    past = PastDeadLetters(settings.broker, channels.dead_letters, channels.activity, identity.epoch_of, authentic)
    return DeadLetterGate(limits, past, authentic)


def _nobody_is_owed(_partition: int) -> None:
    """Without explanations."""


def _nothing_is_journaled(_partition: int, _result: PartitionResult) -> None:
    """Without norms."""
