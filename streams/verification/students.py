"""Compares one student's row and last update with the replay. Scores are compared by `scores`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.rows.row import Row
from streams.scoring.updates import rfc3339
from streams.verification.audit import AuditFinding, NotCompared, RowPosition, position, rows_differ
from streams.verification.latest import Age
from streams.verification.published import PublishedUpdate


@dataclass(frozen=True, slots=True)
class Extent:
    """A partition, and the offsets that are compared: from `start` to before `cut`, where the group has committed.

    The workers may have gone on since; the topic ended before `end`. With `updates_gone`, a student's last update may
    have been removed by its age, with `dead_letters_gone`, a dead letter.
    """

    partition: int
    start: int
    cut: int
    end: int = 0
    epoch: int = 0
    updates_gone: bool = False
    dead_letters_gone: bool = False

    @property
    def history_gone(self) -> bool:
        """Whether students may hold events that are not there any more: of before `start`, or of an earlier topic."""
        return self.start > 0 or self.epoch > 0

    def of_epoch(self, epoch: int) -> "Extent":
        """The same, folded under `epoch`."""
        return replace(self, epoch=epoch)

    def is_open(self, seq: RowPosition) -> bool:
        """Whether `seq` is beyond the extent: it was written meanwhile."""
        return seq >= (self.epoch, self.cut)


@dataclass(frozen=True, slots=True)
class Case:
    """A student. `newest` is how far any of its rows on the changelog was, `live` the last of them.

    `erased`: asked to be; then `row` is what was found of the row, and `replayed` what equals it. `began` is the offset
    of the first event since an erasure.
    """

    live: Row | None
    newest: Age
    replayed: Row | None
    published: PublishedUpdate | None
    explained: RowPosition | None
    erased: bool = False
    row: AuditFinding | NotCompared | None = None
    began: int = 0


def compare_row(case: Case, extent: Extent) -> AuditFinding | NotCompared | None:
    """What is wrong with the row."""
    live = case.live
    if live is not None and live.epoch > extent.epoch:
        return AuditFinding("state", f"the row is of epoch {live.epoch}, the table of {extent.epoch}")
    if live is not None and (live.epoch, live.erased_us, live.offset, live.is_tombstone) < case.newest:
        epoch, _, offset, _ = case.newest
        where = f"offset {offset}" + (f" of epoch {epoch}" if epoch else "")
        return AuditFinding("stale_row", f"the changelog ends with a row of offset {live.offset}, after one of {where}")
    published = case.published
    if (
        live is not None
        and published is not None
        and not live.is_tombstone
        and position(live) < published.position
        and not extent.is_open(published.position)
    ):
        what = f"the row is of offset {live.offset}, older than the last update, of {published.offset}"
        return AuditFinding("stale_row", what)
    if case.erased:
        return case.row
    return rows_differ(live, case.replayed, history_gone=extent.history_gone)


def compare_published(
    case: Case, row: AuditFinding | NotCompared | None, extent: Extent
) -> Iterator[AuditFinding | NotCompared]:
    """What is wrong with the last update and the last explanation, numbers apart; `row` was found of the row."""
    yield from _compare_update(case, row, extent)
    known = [position(each) for each in (case.live, case.replayed) if each is not None]
    if case.explained is None or extent.is_open(case.explained):
        return
    if not known:
        if not extent.history_gone:
            yield AuditFinding("reasoning", "explained, though it is not in the table")
    elif case.live is not None and case.live.is_tombstone:
        yield AuditFinding("reasoning", "forgotten, yet its explanation is still there")
    elif case.explained > max(known):
        offset = case.explained[1]
        yield AuditFinding("reasoning", f"its explanation is of offset {offset}, beyond all of its events")
    elif case.explained[0] == extent.epoch and case.explained[1] < case.began:
        yield AuditFinding("reasoning", "erased since, yet an explanation of before is still there")


def _compare_update(
    case: Case, row: AuditFinding | NotCompared | None, extent: Extent
) -> Iterator[AuditFinding | NotCompared]:
    published, replayed = case.published, case.replayed
    if case.live is not None and case.live.is_tombstone:
        if published is not None and not extent.is_open(published.position):
            yield AuditFinding("update", "forgotten, yet its update is still there")
        return
    if replayed is None:
        if (
            case.live is None
            and published is not None
            and not extent.history_gone
            and not extent.is_open(published.position)
        ):
            yield AuditFinding("update", "it is not in the table, and no event of the topic made it")
        return
    if published is None:
        yield (
            NotCompared("last update may be too old")
            if extent.updates_gone
            else AuditFinding("update", "it is missing")
        )
        return
    if published.position == position(replayed):
        if published.as_of != rfc3339(replayed.as_of_us) and row is None:
            yield AuditFinding(
                "update", f"it is as of {published.as_of}, the replay as of {rfc3339(replayed.as_of_us)}"
            )
    elif extent.is_open(published.position) or extent.is_open(position(replayed)):
        yield NotCompared("moved on meanwhile")
    elif not _explains(case, row, published):
        yield AuditFinding("update", f"it is of offset {published.offset}, the replay goes to {replayed.offset}")


def _explains(case: Case, row: AuditFinding | NotCompared | None, published: PublishedUpdate) -> bool:
    """Whether the row's finding already explains why the update has another position."""
    return row is not None and case.live is not None and published.position == position(case.live)
