"""What a row notes of a call's result: the scores that were explained, and what has moved since."""

import numpy as np

from schemas.explanation import ReasoningResult
from streams.reasoning.policy.pending import apply, note_pending, values_of
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Row
from streams.rows.row_batch import Floats
from streams.scoring.fusion import Fused
from streams.skills.skill_set import SkillSet
from streams.vocabulary import skill_code


def note_result(row: Row, result: ReasoningResult, skill_set: SkillSet, policy: PendingPolicy) -> None:
    """Note `result` in `row`, in place. Idempotent; a result of a position already explained does nothing.

    Kept as explained are the scores that the result carries, not those of now: where the row has moved on, what is owed
    is decided anew by how far it moved from them. A result of the former version carries none, and is taken to have
    explained the scores of now.
    """
    position = row.epoch, row.offset
    if not apply(row.pending, result, position, policy):
        return
    if result.explained is None:
        for skill_state in row.skills.values():
            skill_state.explained = skill_state.score
        return
    for name, score in result.explained.items():
        known = row.skills.get(skill_code(name))
        if known is not None:
            known.explained = score
    if result.seq < position:
        note_pending(row.pending, _worth(row, skill_set, policy), result.at_us, policy)


def _worth(row: Row, skill_set: SkillSet, policy: PendingPolicy) -> float:
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
    fused = Fused(score, score, score, confidence, {})
    return float(values_of(fused, explained, skill_set.levels, policy)[0])


def _row_of(values: list[float]) -> Floats:
    return np.array([values], np.float64)
