"""What an accepted request to be erased leaves of a row, the same whenever it is carried out. Pure.

    request ──► where the input ends is asked ──► acceptance ──read back──► tombstone row, without offset or origins
                       events go on being folded meanwhile ──► its ends move on behind them

Nothing at or beyond the ends has been looked at, not even to be dropped as a repeat, and nothing before them counts
again: so the row that comes of the events from there on is the same in a worker, in a replay and in a rebuilt table.
"""

from collections.abc import Mapping

from schemas.bounds import LATEST_US
from schemas.erasure import Acceptance
from streams.rows.erasure import NO_ERASURE, RowErasure, erasure_of, erasure_section
from streams.rows.row import Row


def erased_row(row: Row, accepted: Acceptance, epoch: int, folded: Mapping[int, int]) -> Row | None:
    """The tombstone row that replaces `row`; None where it was carried out. `folded` is how far events of the student's
    partition have come since the ends were asked for: the offset after the last, by the partition where it first came.
    """
    known, asked = erasure_of(row.erasure) if row.epoch == epoch else NO_ERASURE, RowErasure.of(accepted)
    if known.covers(asked):
        return None
    erasure = known.joined(asked)
    for partition, end in folded.items():
        erasure = erasure.with_end(partition, end)
    erased_us = min(max(accepted.at_us, row.erased_us + 1), LATEST_US)
    return Row(epoch=epoch, erased_us=erased_us, erasure=erasure_section(erasure))


def acceptance_of(row: Row, topic_id: str) -> Acceptance:
    """What `row` knows of its student's erasure, as it is told on `erasures`."""
    erasure = erasure_of(row.erasure)
    return Acceptance(topic_id, row.erased_us, erasure.ends, erasure.requests)
