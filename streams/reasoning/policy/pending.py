"""Who deserves an explanation now: the pure policy over the row's Pending column.

    update ──note_pending──► pending since its first unexplained change ──result──► apply: explained, or not before …

A student is pending while `since_us` is above 0. `since_us`, `not_before_us`, a result's `at_us` and `now_us` must be
of one clock. The last explained scores are not in Pending: whoever holds the row hands them in.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from schemas.explanation import ReasoningResult
from schemas.update import LEVELS
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import row_headers
from streams.rows.row import Pending
from streams.rows.row_batch import Floats
from streams.scoring.fusion import Fused, ScoredBatch
from streams.skills.skill_set import Levels

MAX_VALUE = 1.0
UNEXPLAINED = 0.5
CHUNK = 10_000
Sequence = tuple[int, int]


def is_pending(pending: Pending) -> bool:
    """Whether an explanation is owed."""
    return pending.since_us > 0


def owed(rows: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, Sequence, Pending]]:
    """Of stored rows by key, those that are owed an explanation: key, position, what is pending."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        headers = row_headers([row for _, row in chunk])
        at = np.flatnonzero(headers["since_us"] > 0)
        owing = headers[at]
        positions = zip(owing["epoch"].tolist(), owing["offset"].tolist(), strict=True)
        columns = (owing[name].tolist() for name in Pending.__struct_fields__)
        for row_index, position, fields in zip(at.tolist(), positions, zip(*columns, strict=True), strict=True):
            yield chunk[row_index][0], position, Pending(*fields)


def reasoned(pending: Pending) -> Sequence:
    """The position (epoch, offset) last explained; (0, -1) for none."""
    return pending.reasoned_epoch, pending.reasoned_offset


def values_of(fused: Fused, explained: Floats, levels: Levels, policy: PendingPolicy) -> Floats:
    """What explaining each student is worth, 0 to 1: the worthiest skill; shape (students,). See `worth_of_skills`."""
    return np.asarray(np.max(worth_of_skills(fused, explained, levels, policy), axis=1))


def worth_of_skills(fused: Fused, explained: Floats, levels: Levels, policy: PendingPolicy) -> Floats:
    """What explaining each skill of each student is worth, 0 to 1; shape (students, skills).

    `explained`, of shape (students, skills), holds each score when it was last explained, negative for never. A skill
    never explained counts from 0.5, and as crossing a level once enough is known of it to have one. Of a skill's worth,
    the confidence says how much of the movement is real. A profile moves as its indicators do, and crosses no level
    afterwards: it has none.
    """
    known = explained >= 0
    moved = np.minimum(np.abs(fused.score - np.where(known, explained, UNEXPLAINED)) / policy.full_move, 1.0)
    crossed = ~known | (fused.fitted & (levels.band(explained) != levels.band(fused.score)))
    crossed &= levels.classify(fused.score, fused.confidence) != LEVELS.index("unknown")
    worth = fused.confidence * (1 - (1 - moved) * (1 - np.where(crossed, policy.crossing, 0.0)))
    return np.asarray(np.nan_to_num(worth))


def moved_skills(scored: ScoredBatch, levels: Levels, policy: PendingPolicy) -> list[str]:
    """The skills of the only student in `scored` that are worth explaining, in the skill set's order."""
    [worth] = worth_of_skills(scored.fused, scored.rows.skill_states["explained"], levels, policy).tolist()
    return [name for name, value in zip(scored.rows.names, worth, strict=True) if value >= policy.min_value]


def note_pending(pending: Pending, value: float, now_us: int, policy: PendingPolicy) -> None:
    """Note, in place, that a new update is worth explaining, or no longer.

    Latest wins: the value is replaced, the time of the first unexplained update kept. A belief that has returned to
    what was explained owes nothing.
    """
    if value < policy.min_value:
        pending.since_us, pending.value = 0, 0.0
        return
    if not is_pending(pending):
        pending.since_us = max(now_us, 1)
    pending.value = min(value, MAX_VALUE)


def apply(pending: Pending, result: ReasoningResult, seq: Sequence, policy: PendingPolicy) -> bool:
    """Note, in place, the result of a call; `seq` is the row's own position. Idempotent; stale results do nothing.

    True where something newer than before was explained: the caller then keeps the scores that were.
    A student whose row has moved on stays pending, as of the moment that it was served.
    """
    # No further than the row: after a crash it may be behind, and what is beyond it somebody may have made up.
    explained = min(result.seq, seq)
    if explained <= reasoned(pending):
        return False
    if result.outcome == "failed":
        pending.attempts = max(pending.attempts, result.attempts)
        pending.not_before_us = max(pending.not_before_us, result.not_before_us)
        return False
    pending.reasoned_epoch, pending.reasoned_offset = explained
    pending.attempts = 0
    pending.not_before_us = max(result.not_before_us, result.at_us + round(policy.cooldown_s * 1e6))
    if result.seq >= seq:
        pending.since_us, pending.value = 0, 0.0
    elif is_pending(pending):
        pending.since_us = max(pending.since_us, result.at_us)
    return True


def given_up(student_id: str, seq: Sequence, now_us: int) -> ReasoningResult:
    """The result of a student who is given up: nothing is owed as of `seq`, and no score counts as explained."""
    return ReasoningResult(
        version=1,
        student_id=student_id,
        seq=seq,
        outcome="explained",
        attempts=0,
        at_us=now_us,
        not_before_us=0,
        explained={},
    )


def is_past_horizon(since_us: int, now_us: int, policy: PendingPolicy) -> bool:
    """Whether a student who has waited since then is to be given up."""
    return now_us - since_us >= policy.horizon_s * 1e6


def priority_us(since_us: int, value: float, policy: PendingPolicy) -> int:
    """The order of service, least first: since − τ·value. Time does not change it, so a heap stays valid.

    Nobody starves: what comes later by τ (or more) can never be ahead, whatever it is worth.
    """
    return since_us - round(policy.patience_s * 1e6 * value)
