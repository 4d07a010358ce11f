"""What is published of students."""

from typing import get_args

from agents.metrics.instruments import CounterBy, Declarations
from schemas.attention import ATTENTION_REASONS, AttentionReason
from streams.scoring.overrides import Refusal


class ScoreMetrics:
    """Of updates, and of what they rest on."""

    def __init__(self, declare: Declarations) -> None:
        self.updates = declare.counter("updates", "messages", "Skill updates published.")
        self.attention_records: CounterBy[AttentionReason] = declare.counter_by(
            "reason",
            "attention_records",
            "messages",
            "Records sent to SKILLSTREAM_ATTENTION_TOPIC, by what a text may disclose; 0 while it is off. In a small "
            "class it may tell who: mind who sees it.",
            ATTENTION_REASONS,
        )
        self.degraded_updates = declare.counter(
            "degraded_updates", "messages", "Skill updates published without a source that had failed."
        )
        self.source_failures: CounterBy[str] = declare.counter_by(
            "source", "source_failures", "batches", "Batches in which a source of evidence failed or was late."
        )
        self.fusion_config_refused: CounterBy[Refusal] = declare.counter_by(
            "reason",
            "fusion_config_refused",
            "records",
            "Records of fusion-config that were refused, being no configuration that fits; the one in force stayed. "
            "Those that a start reads again count again.",
            get_args(Refusal),
        )
        self.rescored_students = declare.counter(
            "rescored_students",
            "students",
            "Students scored anew without an event, as `skillstream rescore` asked; those of a partition that was "
            "interrupted count again. Their updates are a part of updates.",
        )
