"""`/events`: a record of `student-activity` a line, of any dialect. Each is taken or refused by itself."""

from typing import Any, Final

from agents.gateway.batches import KeyedValue, TakenBatch, keyed, require_few_items
from schemas.dialects.record import Decode, Invalid

CONTENT_TYPES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_MAX_ERRORS: Final = 100


def sent_items(body: bytes, decode: Decode, students: str) -> TakenBatch:
    """200 where all are taken, 207 where some are, 400 where none is, with what is wrong by line, from 1.

    Raises NotTaken for too many.
    """
    require_few_items(body.count(b"\n"))
    records: list[KeyedValue] = []
    errors: list[dict[str, Any]] = []
    refused = events = 0
    for number, item in enumerate(body.split(b"\n"), start=1):
        if not (value := item.strip()):
            continue
        record, count = keyed(value, decode, students)
        if isinstance(record, Invalid):
            refused += 1
            if len(errors) < _MAX_ERRORS:
                errors.append({"line": number, "reason": record.reason, "error": record.error})
        else:
            records.append(record)
            events += count
    answer = {"taken": len(records), "refused": refused, "errors": errors}
    status = 200 if not refused else 207 if records else 400
    return TakenBatch(records, events, status, answer, refused)
