"""Folding: one event into one row. Pure, synchronous, the same whatever the batch.

All sums are order-free. Two structures look at order, and are bounded: `open_failures` (the MAX_OPEN_FAILURES
latest failed items, for "tried again after a failure") and `ids` (the last MAX_IDS event ids, for repeats).
An event older than the row's `as_of` by more than LATENESS_US is applied in full but opens and closes no failure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Final
from zlib import crc32

from schemas.event import Attempt, Control, Message, NativeEvent, Reflection, Rubric
from streams.facts import FACTS, INDEX, PASS_SCORE, RECOVERED, RETRIED, facts_of
from streams.row import (
    HALF_LIFE_US,
    ID_BYTES,
    MAX_CONTROLS,
    MAX_EVIDENCE,
    MAX_IDS,
    MAX_OPEN_FAILURES,
    ControlUse,
    Row,
    SkillCell,
    Telling,
    Totals,
)
from streams.skills import SkillSet
from streams.text import PhraseBook, tokenise

LATENESS_US: Final = 3_600 * 1_000_000
MAX_TEXT_LOG_ODDS: Final = 3.0
_MAX_EXPONENT: Final = 256.0


class Outcome(Enum):
    """What became of an event that reached its home."""

    APPLIED = "applied"
    LATE = "late"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Folding:
    """A skill set, prepared for folding."""

    names: tuple[str, ...]
    phrases: PhraseBook
    per_text: Mapping[str, float]
    telling: Mapping[int, tuple[tuple[str, int], ...]]

    @classmethod
    def of(cls, skill_set: SkillSet) -> "Folding":
        """Index a skill set by fact and by phrase."""
        telling: dict[int, list[tuple[str, int]]] = {}
        for name, skill in skill_set.skills.items():
            for fact, weight in skill.telling.items():
                if tenths := round(weight * 10):
                    telling.setdefault(INDEX[fact], []).append((name, tenths))
        return cls(
            names=skill_set.names,
            phrases=PhraseBook({name: skill.lexicon for name, skill in skill_set.skills.items()}),
            per_text={n: s.per_text for n, s in skill_set.skills.items() if s.per_text is not None},
            telling={fact: tuple(skills) for fact, skills in telling.items()},
        )

    def fold(self, row: Row, event: NativeEvent, now_us: int) -> Outcome:
        """Fold `event` into `row`, in place; `now_us` (the record's time) bounds the event's own.

        Idempotent within the last MAX_IDS events of the row.
        """
        facts = facts_of(event)
        if not facts and not (isinstance(event, Rubric) and event.skill in self.names):
            return Outcome.IGNORED
        if not _remember(row, event.event_id):
            return Outcome.DUPLICATE
        time_us = min(int(event.time.timestamp() * 1e6), now_us)
        late = time_us < row.as_of_us - LATENESS_US
        factor = _advance(row, time_us)
        if isinstance(event, Attempt) and not late:
            facts += _after_failure(row, event, time_us)
        for fact, value in facts:
            self._count(row, fact, value, time_us, factor)
        if isinstance(event, Control):
            _use_controls(row, event)
        elif isinstance(event, Message | Reflection):
            self._read(row, event.text, time_us, factor)
        elif isinstance(event, Rubric):
            self._rate(row, event, time_us, factor)
        return Outcome.LATE if late else Outcome.APPLIED

    def _count(self, row: Row, fact: int, value: float, time_us: int, factor: float) -> None:
        totals = row.facts.get(fact)
        if totals is None:
            totals = row.facts[fact] = Totals()
        totals.n += 1
        totals.total += value
        totals.squares += value * value
        totals.recent_n += factor
        totals.recent_total += factor * value
        totals.newest_s = max(totals.newest_s, time_us // 1_000_000)
        for skill, weight in self.telling.get(fact, ()):
            _note(cell_of(row, skill), Telling(FACTS[fact], value, time_us // 1_000_000, weight))

    def _read(self, row: Row, text: str, time_us: int, factor: float) -> None:
        log_odds = dict(self.per_text)
        for hit in self.phrases.find(tokenise(text)):
            log_odds[hit.skill] = log_odds.get(hit.skill, 0.0) + hit.weight
            weight = round(hit.weight * 10)
            if weight:
                telling = Telling(f"~{hit.phrase}", hit.weight, time_us // 1_000_000, weight)
                _note(cell_of(row, hit.skill), telling)
        for skill, value in log_odds.items():
            cell = cell_of(row, skill)
            cell.text_n += factor
            cell.text_total += factor * max(-MAX_TEXT_LOG_ODDS, min(MAX_TEXT_LOG_ODDS, value))
            cell.text_newest_s = max(cell.text_newest_s, time_us // 1_000_000)

    def _rate(self, row: Row, event: Rubric, time_us: int, factor: float) -> None:
        cell = cell_of(row, event.skill)
        cell.rubric_n += factor
        cell.rubric_total += factor * event.rating
        cell.rubric_newest_s = max(cell.rubric_newest_s, time_us // 1_000_000)
        weight = round((event.rating - 0.5) * 40) or (1 if event.rating >= 0.5 else -1)
        _note(cell, Telling("rubric", event.rating, time_us // 1_000_000, weight))


def decayed(reference_us: int, at_us: int) -> float:
    """The factor that carries a sum kept at `reference_us` to `at_us`."""
    return math.exp2((reference_us - at_us) / HALF_LIFE_US)


def _remember(row: Row, event_id: str) -> bool:
    """Note the event's id; False if it is among those noted."""
    digest = blake2b(event_id.encode(), digest_size=ID_BYTES).digest()
    at = row.ids.find(digest)
    while at >= 0:
        if at % ID_BYTES == 0:
            return False
        at = row.ids.find(digest, at + 1)
    row.ids = (row.ids + digest)[-MAX_IDS * ID_BYTES :]
    return True


def _advance(row: Row, time_us: int) -> float:
    """Move the row's clock to `time_us` and return the weight of an event at that time."""
    if row.events == 0:
        row.reference_us = row.first_us = row.as_of_us = time_us
    row.events += 1
    row.first_us = min(row.first_us, time_us)
    row.as_of_us = max(row.as_of_us, time_us)
    exponent = (time_us - row.reference_us) / HALF_LIFE_US
    if exponent > _MAX_EXPONENT:
        _rebase(row, time_us)
        exponent = 0.0
    return math.exp2(exponent)


def _rebase(row: Row, reference_us: int) -> None:
    """Carry every decayed sum to a new reference time, before its weights overflow."""
    factor = decayed(row.reference_us, reference_us)
    row.reference_us = reference_us
    for totals in row.facts.values():
        totals.recent_n *= factor
        totals.recent_total *= factor
    for cell in row.skills.values():
        cell.text_n *= factor
        cell.text_total *= factor
        cell.rubric_n *= factor
        cell.rubric_total *= factor


def _after_failure(row: Row, event: Attempt, time_us: int) -> list[tuple[int, float]]:
    """Facts that an attempt is only because an earlier one failed, where the platform did not number its tries."""
    item = crc32(event.item_id.encode())
    failed_at = row.open_failures.get(item)
    again = failed_at is not None and failed_at <= time_us and event.attempt == 1
    if event.score < PASS_SCORE:
        row.open_failures[item] = time_us
        if len(row.open_failures) > MAX_OPEN_FAILURES:
            del row.open_failures[min(row.open_failures, key=lambda key: (row.open_failures[key], key))]
    elif failed_at is not None:
        del row.open_failures[item]
    if not again:
        return []
    return [(RETRIED, 2.0)] if event.score < PASS_SCORE else [(RETRIED, 2.0), (RECOVERED, 2.0)]


def _use_controls(row: Row, event: Control) -> None:
    """Count, for each control, how often it was varied alone.

    Of more than MAX_CONTROLS controls those of the smallest hashes are kept, so the order of arrival doesn't matter.
    """
    if event.reset:
        return
    moved = [name for name, setting in event.controls.items() if setting]
    for name in event.controls:
        use = row.controls.setdefault(crc32(name.encode()), ControlUse())
        if moved == [name]:
            use.alone += 1
            use.isolated += event.changed == 1
    while len(row.controls) > MAX_CONTROLS:
        del row.controls[max(row.controls)]


def cell_of(row: Row, skill: str) -> SkillCell:
    """The skill's cell, made if need be; kept by name, so that a row's bytes don't tell when it was made."""
    cell = row.skills.get(skill)
    if cell is None:
        cell = SkillCell()
        row.skills = dict(sorted({**row.skills, skill: cell}.items()))
    return cell


def _note(cell: SkillCell, telling: Telling) -> None:
    """Keep the newest and weightiest: rank is log2|weight| + age in half-lives, which no later time reorders."""
    cell.telling = sorted((*cell.telling, telling), key=_rank, reverse=True)[:MAX_EVIDENCE]


def _rank(telling: Telling) -> tuple[float, str, float]:
    half_lives = telling.time_s * 1e6 / HALF_LIFE_US
    return math.log2(max(abs(telling.weight), 1)) + half_lives, telling.fact, telling.value
