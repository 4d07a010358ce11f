"""Events of one student, and the student's row."""

from datetime import UTC, datetime, timedelta

from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from tests.agents.deployment import Sent, owning_partition
from tests.events import raw

FAST_LIMITS = {"calls_per_minute": 6_000, "calls_per_hour": 600_000, "seed_limits": "true"}


def many_of(student: str, count: int, at: datetime | None = None, tag: str = "e") -> list[Sent]:
    """Solved tasks of one student, a minute apart."""
    start = at or datetime(2026, 3, 2, tzinfo=UTC)
    return [
        Sent(
            student.encode(),
            raw(student=student, event_id=f"{tag}-{n}", time=(start + timedelta(minutes=n)).isoformat()),
        )
        for n in range(count)
    ]


def row_of(table: PartitionedRows, student: str) -> Row:
    stored = table.get(owning_partition(student), student.encode())
    assert stored is not None
    return decode_row(stored)
