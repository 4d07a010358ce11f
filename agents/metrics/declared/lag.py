"""How far behind the group is."""

from agents.metrics.instruments import CounterBy, Declarations
from agents.metrics.kafka_lag import KafkaLagMetrics


class LagMetrics:
    """By the broker's own figures."""

    def __init__(self, declare: Declarations) -> None:
        self.lag_records = declare.gauge_by(
            ("topic", "partition"),
            "consumer_lag_records",
            "records",
            "Records between what the group has committed and the partition's end, by the broker's own figures. Every "
            "worker reports all partitions: take the max by (topic, partition). Absent while it is unknown.",
        )
        self.position_jumps: CounterBy[str] = declare.counter_by(
            "topic",
            "position_jumps",
            "jumps",
            "Times that a position was reset, as the topic did not hold any more what was due: retention was faster.",
        )
        self.skipped_offsets: CounterBy[str] = declare.counter_by(
            "topic", "skipped_offsets", "offsets", "Offsets that were passed over by these jumps, and never read."
        )
        self.held_records = declare.gauge_by(
            ("topic", "partition"),
            "open_transaction_records",
            "records",
            "Records behind an open transaction, which nobody can read before it ends; no part of the lag. Absent "
            "where there is none.",
        )
        self.held_s = declare.gauge_by(
            ("topic", "partition"),
            "open_transaction_seconds",
            "seconds",
            "For how long the same open transaction was seen to hold them. Above SKILLSTREAM_OPEN_TRANSACTION_S health "
            "is degraded.",
        )
        self.lag_age_s = declare.gauge(
            "consumer_lag_age_seconds", "seconds", "How old the lag's figures are; NaN before the first."
        )
        self.lag_status = declare.gauge_by(
            ("topic", "partition", "status"),
            "consumer_lag_status",
            "1",
            "1 for the status that the partition has by [Burrow's rules](lag.md#status): OK, WARN, ERR, STOP, STALL or "
            "REWIND. Absent where it is not known yet, and in workers that do not own partition 0.",
            adds_up="yes",
        )
        self.kafka_lag = KafkaLagMetrics(declare)
