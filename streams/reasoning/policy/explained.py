"""What a row notes of a call's result: what was explained, and what has moved since.

A row notes a number for every skill: of a score, that score; of a profile what its indicators and phrases come to when
they are weighed as the skills file says. That is never shown: it only tells how far a profile has moved since it was
explained.

With it goes what was counted of each skill that was explained (`streams.reasoning.counted`), so that the next
explanation can say what changed since.
"""

from collections.abc import Collection

import msgspec
import numpy as np

from schemas.explanation import ReasoningResult
from streams.reasoning.counted import counts_of
from streams.reasoning.policy.pending import apply, note_pending, values_of
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.explanations import LastExplanation, explanations_of, explanations_section
from streams.rows.row import Row
from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.fusion import Fused
from streams.skills.skill_set import SkillSet
from streams.vocabulary import INDEX, skill_code


def with_noted(result: ReasoningResult, moved: Collection[str], rows: RowBatch, skill_set: SkillSet) -> ReasoningResult:
    """A result about the only one of `rows`, with what this notes of the skills that had `moved`.

    Of others nothing is noted, so that small moves add up to one that is explained.
    """
    if result.explained is None:
        return result
    numbers = zip(rows.names, rows.skill_states["score"][0].tolist(), strict=True)
    noted = {name: number for name, number in numbers if name in moved and number >= 0}
    explained = noted | result.explained
    return msgspec.structs.replace(
        result,
        explained=explained,
        as_of_us=int(rows.headers["as_of_us"][0]),
        counts=counts_of(rows, skill_set, explained),
    )


def note_result(
    row: Row, result: ReasoningResult, skill_set: SkillSet, policy: PendingPolicy, fitted: Collection[str]
) -> None:
    """Note `result` in `row`, in place. Idempotent; a result of a position already explained does nothing.

    Kept as explained are the numbers that the result carries, not those of now: where the row has moved on, what is
    owed is decided anew by how far it moved from them. Only skills that are `fitted` can have crossed a level. A result
    of the former version carries none, and is taken to have explained the numbers of now.
    """
    position = row.epoch, row.offset
    if not apply(row.pending, result, position, policy):
        return
    if result.explained is None:
        for skill_state in row.skills.values():
            skill_state.explained = skill_state.score
        row.explanations = b""
        return
    for name, score in result.explained.items():
        known = row.skills.get(skill_code(name))
        if known is not None:
            known.explained = score
    row.explanations = _noted_counts(row, result)
    if result.seq < position:
        note_pending(row.pending, _worth(row, skill_set, policy, fitted), result.at_us, policy)


def _noted_counts(row: Row, result: ReasoningResult) -> bytes:
    """The row's explanations, in which those of `result` have taken their place."""
    noted = explanations_of(row.explanations)
    for name in result.explained or ():
        skill = skill_code(name)
        noted.pop(skill, None)
        counts = (result.counts or {}).get(name)
        if counts is not None and skill in row.skills:
            known = {int(INDEX[fact]): counted for fact, counted in counts.items() if fact in INDEX}
            noted[skill] = LastExplanation(result.as_of_us // 1_000_000, known)
    return explanations_section(noted)


def _worth(row: Row, skill_set: SkillSet, policy: PendingPolicy, fitted: Collection[str]) -> float:
    """What explaining the row's last scores is worth."""
    skill_states = [row.skills.get(skill_code(name)) for name in skill_set.names]
    score = _row_of(
        [
            skill_state.score if skill_state is not None and skill_state.score >= 0 else np.nan
            for skill_state in skill_states
        ]
    )
    confidence = _row_of([skill_state.confidence if skill_state is not None else 0.0 for skill_state in skill_states])
    explained = _row_of([skill_state.explained if skill_state is not None else -1.0 for skill_state in skill_states])
    has_level = np.array([[name in fitted for name in skill_set.names]])
    fused = Fused(score, score, score, confidence, {}, fitted=has_level)
    return float(values_of(fused, explained, skill_set.levels, policy)[0])


def _row_of(values: list[float]) -> Floats:
    return np.array([values], np.float64)
