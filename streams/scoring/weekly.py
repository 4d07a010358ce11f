"""Notes the scores of a scored batch in its rows, by week: the last ones of a week stay when the next one begins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.rows.layout import Array, chunks
from streams.rows.row_batch import Floats
from streams.rows.weeks import (
    SCALE,
    UNSCORED,
    WEEK_SCORE,
    WeekPoint,
    WeekUnderWay,
    past_bytes,
    past_of,
    week_of,
    weeks_section,
)
from streams.scoring.fusion import ScoredBatch
from streams.scoring.shown_scores import ShownScores
from streams.vocabulary import skill_code

_FIELDS: Final = ("score", "low", "high")


class WeekColumns(NamedTuple):
    """The week under way of many rows, as columns of shape (rows, skills); UNSCORED for what there is not."""

    before: Array
    score: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, under_way: WeekUnderWay, names: Sequence[str]) -> "WeekColumns":
        """Of the skills of these names; what rows have of others is left out."""
        codes = np.array([skill_code(name) for name in names], np.uint32)
        order = np.argsort(codes)
        at = np.minimum(np.searchsorted(codes[order], under_way.scores["skill"]), len(codes) - 1)
        columns = order[at]
        ours = codes[columns] == under_way.scores["skill"]
        row, column = under_way.owner[ours], columns[ours]
        found = []
        for name in cls._fields:
            values = np.full((len(under_way.week), len(codes)), UNSCORED, np.uint16)
            values[row, column] = under_way.scores[name][ours]
            found.append(values)
        return cls(*found)


def with_week(scored: ScoredBatch, shown: ShownScores) -> ScoredBatch:
    """The same batch; its rows have the `shown` scores as those of the week of their newest event.

    Of the same rows the same comes, whatever batches they were scored in, if they were scored once at the end of
    each week at least. Where a source failed, scores that are not shown for that reason stay as they were noted.
    """
    rows, sections = scored.rows, scored.rows.sections["weeks"]
    there = ~np.isnan(shown.score)
    concerned = np.flatnonzero(there.any(axis=1) | np.fromiter(map(bool, sections), np.bool_, len(sections)))
    if not len(concerned):
        return scored
    failed = np.zeros(len(rows), np.bool_)
    for of_source in scored.failed.values():
        failed |= of_source
    some = [sections[row] for row in concerned.tolist()]
    week = week_of(rows.headers["as_of_us"][concerned])
    fields = {name: _scaled(values[concerned]) for name, values in shown._asdict().items()}
    noted = sections.copy()
    for row, section in zip(concerned.tolist(), _noted(rows.names, some, week, fields, failed[concerned]), strict=True):
        noted[row] = section
    return replace(scored, rows=replace(rows, sections=rows.sections.with_section("weeks", noted)))


def _noted(
    names: Sequence[str],
    sections: Sequence[bytes],
    week: NDArray[np.int64],
    fields: Mapping[str, Array],
    failed: NDArray[np.bool_],
) -> list[bytes]:
    """The parts of rows in these weeks, with these scores; `failed` says of which some source did."""
    under_way = WeekUnderWay.of(sections)
    turned = (under_way.week >= 0) & (under_way.week < week)
    known = WeekColumns.of(under_way, names)
    before = np.where(turned[:, None] & (known.score != UNSCORED), known.score, known.before)
    if failed.any():
        stays = (failed & ~turned)[:, None] & (fields["score"] == UNSCORED) & (known.score != UNSCORED)
        fields = {name: np.where(stays, getattr(known, name), values) for name, values in fields.items()}
    records, counts = _records(names, {"before": before, **fields})
    past = under_way.past
    for row in np.flatnonzero(turned).tolist():
        past[row] = _turned(past[row], under_way.scores[under_way.owner == row], int(under_way.week[row]))
    return list(map(weeks_section, week.tolist(), chunks(records, counts), past))


def _records(names: Sequence[str], fields: Mapping[str, Array]) -> tuple[Array, NDArray[np.intp]]:
    """The skills that have a score or had one before, row by row in the order of their codes; and how many of each
    row.
    """
    codes = np.array([skill_code(name) for name in names], np.uint32)
    order = np.argsort(codes)
    there = (fields["score"] != UNSCORED) | (fields["before"] != UNSCORED)
    row, at = np.nonzero(there[:, order])
    records = np.zeros(len(row), WEEK_SCORE)
    records["skill"] = codes[order[at]]
    for name, values in fields.items():
        records[name] = values[row, order[at]]
    return records, there.sum(axis=1)


def _turned(past: bytes, scores: Array, week: int) -> bytes:
    """The weeks that are over with one more, which had these scores."""
    weeks = past_of(past)
    for skill, score, low, high in scores[["skill", *_FIELDS]].tolist():
        if score != UNSCORED:
            weeks.setdefault(skill, []).append(WeekPoint(week, score, low, high))
    return past_bytes(weeks)


def _scaled(values: Floats) -> NDArray[np.uint16]:
    there = ~np.isnan(values)
    return np.where(there, np.round(np.where(there, values, 0) * SCALE), UNSCORED).astype(np.uint16)
