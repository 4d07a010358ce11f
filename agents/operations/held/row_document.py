"""A student's row in words: what was counted, when, and where the student learns."""

from datetime import UTC, datetime
from typing import Any

from streams.rows.codec import decode_row
from streams.rows.components import components_of
from streams.rows.enrolment import enrolment_of
from streams.rows.erasure import erasure_of
from streams.rows.row import Row
from streams.rows.tasks import tasks_of
from streams.vocabulary import FACTS


def row_document(stored: bytes) -> dict[str, Any]:
    """What a row of any version says, by name. Scores and reasons are in the student's update. Raises Fatal for what is
    no row.
    """
    row = decode_row(stored)
    erasure = erasure_of(row.erasure)
    return {
        "position": [row.epoch, row.offset],
        "events": row.events,
        "first_event": _time(row.first_us),
        "newest_event": _time(row.as_of_us),
        "facts": {
            FACTS[fact]: {"count": totals.n, "total": totals.total, "newest": _time(totals.newest_s * 1_000_000)}
            for fact, totals in sorted(row.facts.items())
        },
        "components": [{"name": each.name, "wins": each.wins, "fails": each.fails} for each in _components(row)],
        "tasks": sorted(name.decode("utf-8", "replace") for name in tasks_of(row.tasks).values()),
        "enrolment": enrolment_of(row.enrolment)._asdict(),
        "known_event_ids": row.noted,
        "explanation_owed_since": _time(row.pending.since_us),
        "erased_at": _time(row.erased_us),
        "erased_up_to": list(erasure.ends),
    }


def _components(row: Row) -> list[Any]:
    return list(components_of(row.components)) if row.components else []


def _time(time_us: int) -> str | None:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="seconds") if time_us else None
