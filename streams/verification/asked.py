"""Students who asked to be erased, counted: of how many it is done, and of how many it is not."""

from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.row import Row
from streams.verification.latest import Last
from streams.verification.report import ErasuresReport


def count_erasures(last: Last, rows: dict[bytes, Row]) -> ErasuresReport:
    """Of the students of `last`, whose `rows` are all that can be read: each is one whose request no worker has read
    yet, whose row does not know of it, or who is erased.
    """
    asked = {*last.requests, *last.accepted, *(key for key, row in rows.items() if row.erased_us)}
    report = ErasuresReport(students=len(asked))
    for key in asked:
        if key in last.late_requests:
            report.waiting += 1
        elif not _is_erased(rows.get(key), last.requests.get(key, 0), last.accepted.get(key)):
            report.not_done += 1
    return report


def _is_erased(row: Row | None, requested_us: int, accepted: RowErasure | None) -> bool:
    if row is None:
        return False
    if accepted is None:  # by a version that knew only times
        return row.erased_us >= requested_us
    return erasure_of(row.erasure).covers(accepted)
