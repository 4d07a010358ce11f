"""What delivery needs to know, in one frozen object."""

from dataclasses import dataclass

from agents.delivery.log_policy import compacted, compaction_lag_ms
from agents.kafka.connection import Compression
from agents.kafka.topics import TopicSpec
from schemas.topics import MAX_SENT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Settings of one worker's delivery; sizes in bytes, times in seconds.

    `broker` is a comma-separated list of host:port; `client_name` is what it calls this worker. `group_instance_id`
    makes the membership static: a restart within the session timeout then moves no partition. Raises ValueError for
    what cannot work.
    """

    app_id: str
    broker: str
    sources: tuple[str, ...]
    partitions: int
    replication: int = 1
    standby_replicas: int = 0
    group_instance_id: str | None = None
    client_name: str = "skillstream"
    session_timeout_s: float = 10.0
    heartbeat_interval_s: float = 2.5
    request_timeout_s: float = 30.0
    commit_interval_s: float = 1.0
    commit_timeout_s: float = 8.0
    delivery_timeout_s: float = 10.0
    broker_wait_s: float = 600.0
    drain_timeout_s: float = 8.0
    stop_timeout_s: float = 25.0
    start_timeout_s: float = 15.0
    blocked_after_s: float = 90.0
    collect_ms: int = 10
    max_batch_records: int = 50_000
    max_in_flight_batches: int = 8
    produce_batch_bytes: int = 512 * 1024
    fetch_bytes: int = 8 * 1024 * 1024
    compression: Compression = "zstd"
    batch_max_unpacked_bytes: int = 100_000_000
    guard_interval_s: float = 3.0

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources: at least one topic is needed")
        if self.partitions < 1:
            raise ValueError(f"partitions: {self.partitions} is less than 1")
        if self.heartbeat_interval_s * 3 > self.session_timeout_s:
            raise ValueError("session_timeout_s: must be at least three heartbeat intervals")
        if self.session_timeout_s > self.request_timeout_s:
            raise ValueError("session_timeout_s: must not exceed request_timeout_s")
        if min(self.max_batch_records, self.max_in_flight_batches) < 1:
            raise ValueError("max_batch_records, max_in_flight_batches: must be at least 1")

    @property
    def changelog_topic(self) -> str:
        """The topic of the table's log."""
        return f"{self.app_id}-students-changelog"

    @property
    def rebalance_timeout_s(self) -> float:
        """How long the group waits for a member to drain: beyond the drain and the stop by force that follows it.

        Until then a member that still works keeps its partitions, and may write.
        """
        return max(60.0, self.drain_timeout_s + self.stop_timeout_s + self.session_timeout_s)


def changelog_spec(settings: DeliverySettings) -> TopicSpec:
    """The table's log, as it is made: see `log_policy`."""
    lag_ms = compaction_lag_ms(settings.session_timeout_s, settings.request_timeout_s, settings.guard_interval_s)
    return TopicSpec(
        settings.changelog_topic,
        settings.partitions,
        settings.replication,
        {**compacted(lag_ms), "max.message.bytes": str(MAX_SENT_BYTES)},
    )
