"""Notes the scores of a scored batch in its rows, by week: the last ones of a week stay when the next one begins."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.rows.layout import Array, chunks
from streams.rows.row_batch import Floats, Integers
from streams.rows.skill_codes import SkillCodes
from streams.rows.weeks import (
    SCALE,
    UNSCORED,
    WEEK_SCORE,
    NotedWeeks,
    WeekPoint,
    WeekUnderWay,
    past_bytes,
    past_of,
    week_of,
    weeks_section,
)
from streams.scoring.fusion import ScoredBatch
from streams.scoring.shown_scores import ShownScores

_WHOLE: Final = f"V{WEEK_SCORE.itemsize}"
"""Records without their fields: they are moved at a tenth of the time."""
_NOTHING: Final = np.array((0, UNSCORED, UNSCORED, UNSCORED, UNSCORED, 0), WEEK_SCORE).view(_WHOLE)


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
    under_way = WeekUnderWay.of([sections[row] for row in concerned.tolist()])
    week = week_of(rows.headers["as_of_us"][concerned])
    turned = (under_way.week >= 0) & (under_way.week < week)
    scores = _scores(rows.names, under_way, turned, np.stack(shown)[:, concerned], failed[concerned])
    noted = sections.copy()
    for row, section in zip(concerned.tolist(), _sections(rows.names, under_way, turned, week, scores), strict=True):
        noted[row] = section
    return replace(
        scored,
        rows=replace(rows, sections=rows.sections.with_section("weeks", noted)),
        weeks=NotedWeeks(concerned, scores, concerned[turned]),
    )


def _scores(
    names: tuple[str, ...], under_way: WeekUnderWay, turned: NDArray[np.bool_], shown: Floats, failed: NDArray[np.bool_]
) -> Array:
    """Those of the week under way, of shape (rows, skills); `shown` are their `ShownScores`, as one array. `failed`
    says of which rows some source did.
    """
    skills = SkillCodes.of(names)
    column, ours = skills.find(under_way.scores["skill"])
    whole = np.full((len(turned), len(names)), _NOTHING)
    whole[under_way.owner[ours], column[ours]] = under_way.scores.view(_WHOLE)[ours]
    known, scores = whole.view(WEEK_SCORE), np.zeros(whole.shape, WEEK_SCORE)
    scores["skill"] = skills.codes
    scores["before"] = np.where(turned[:, None] & (known["score"] != UNSCORED), known["score"], known["before"])
    scores["score"], scores["low"], scores["high"] = np.where(np.isnan(shown), UNSCORED, np.round(shown * SCALE))
    if failed.any():
        stays = (failed & ~turned)[:, None] & (scores["score"] == UNSCORED) & (known["score"] != UNSCORED)
        scores[stays] = known[stays]
    return scores


def _sections(
    names: tuple[str, ...], under_way: WeekUnderWay, turned: NDArray[np.bool_], week: Integers, scores: Array
) -> list[bytes]:
    """The parts of rows that are in these weeks: the skills that have a score or had one before, and the past."""
    past = under_way.past
    rows = np.flatnonzero(turned)
    of_rows = (under_way.owner.searchsorted(rows, side).tolist() for side in ("left", "right"))
    for row, begin, end in zip(rows.tolist(), *of_rows, strict=True):
        past[row] = _turned(past[row], under_way.scores[begin:end], int(under_way.week[row]))
    ordered = scores.take(SkillCodes.of(names).columns[:-1], axis=1)
    there = (ordered["score"] != UNSCORED) | (ordered["before"] != UNSCORED)
    records = ordered.view(_WHOLE)[there]
    return list(map(weeks_section, week.tolist(), chunks(records, there.sum(axis=1)), past))


def _turned(past: bytes, scores: Array, week: int) -> bytes:
    """The weeks that are over with one more, which had these scores."""
    weeks = past_of(past)
    for skill, score, low, high in scores[["skill", "score", "low", "high"]].tolist():
        if score != UNSCORED:
            weeks.setdefault(skill, []).append(WeekPoint(week, score, low, high))
    return past_bytes(weeks)
