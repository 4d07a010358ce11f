"""What a worker owns, and how it came to it."""

from typing import Final

from agents.metrics.instruments import Declarations

_RECOVERY_SECONDS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class OwnershipMetrics:
    """Of partitions, rows and recovery."""

    def __init__(self, declare: Declarations) -> None:
        self.students = declare.gauge(
            "students", "rows", "Students in the table's partitions held here.", adds_up="yes"
        )
        self.partitions_owned = declare.gauge(
            "partitions_owned", "partitions", "Partitions that this worker owns.", adds_up="yes"
        )
        self.table_recovered = declare.gauge(
            "table_recovered", "0 or 1", "1 when the rows of all owned partitions are restored."
        )
        self.rebalances = declare.counter("rebalances", "rebalances", "Times that partitions were given up.")
        self.recovery_duration_s = declare.histogram(
            "recovery_duration_seconds", "seconds", "Time from losing partitions to restored rows.", _RECOVERY_SECONDS
        )
        self.rows_repaired = declare.counter(
            "rows_repaired",
            "rows",
            "Rows appended to the changelog again, because another worker (paused, and late) had written them while "
            "their partition was ours. Above 0: look why a worker was paused.",
        )
        self.broker_outage_s = declare.gauge(
            "broker_away_seconds",
            "s",
            "For how long a broker that does not answer has been waited for; 0 while it answers. The worker ends with "
            "3 after `SKILLSTREAM_BROKER_WAIT_S`.",
        )
