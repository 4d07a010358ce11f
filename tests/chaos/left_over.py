"""What was said of erased students and is not deleted, looked for apart from `verify`: every message, not the last."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from streams.replay import FileRecord
from streams.rows.erasure import erasure_of
from streams.rows.row import Row
from tests.agents.deployment import Deployment
from tests.chaos.accounts import rows_by_student


def rows_of_erased(deployment: Deployment) -> Mapping[bytes, Row]:
    """By student's key: tombstone rows, and rows of those who came back."""
    return {key: row for key, row in rows_by_student(deployment.table()).items() if row.erasure}


def left_over(deployment: Deployment) -> list[tuple[str, bytes]]:
    """Topic and student of every message from before an erasure that has no null behind it.

    An update of a student who came back will do as well: what it replaces is compacted away like what is deleted.
    """
    rows, channels = rows_of_erased(deployment), deployment.channels
    topics = (channels.updates, channels.reasoning, channels.history)
    return [
        (topic, key)
        for topic in topics
        for key in _not_deleted(deployment.records(topic), rows, may_be_replaced=topic == channels.updates)
    ]


def _not_deleted(records: Sequence[FileRecord], rows: Mapping[bytes, Row], *, may_be_replaced: bool) -> Iterator[bytes]:
    said = [(record.key or b"", record) for record in records if record.key in rows]
    gone_to = {
        key: record.offset
        for key, record in said
        if record.value is None or (may_be_replaced and not _is_from_before(record, rows[key]))
    }
    for key, record in said:
        if record.offset > gone_to.get(key, -1) and (key not in gone_to or _is_from_before(record, rows[key])):
            yield key


def _is_from_before(record: FileRecord, row: Row) -> bool:
    """By its last event. A history names none: it is only where no event came since."""
    seq = orjson.loads(record.value or b"").get("seq")
    return row.is_tombstone if seq is None else erasure_of(row.erasure).erases(record.partition, seq[1])
