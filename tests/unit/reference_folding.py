"""Folding as it is meant: one event into one row, by plain Python. What the columnar folding must equal, to the bit.

Sums are added event by event in the order of arrival; evidence is chosen anew with every event.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from zlib import crc32

from schemas.event import Attempt, Control, Message, NativeEvent, Reflection, Rubric
from streams.folding.history import MAX_ORIGINS, FoldOutcome
from streams.input.origin import Origin
from streams.rows.row import (
    COMPONENTS_PER_STUDENT,
    FAR_US,
    HALF_LIFE_US,
    ID_BYTES,
    MAX_CONTROLS,
    MAX_EVIDENCE,
    MAX_OPEN_FAILURES,
    MAX_ROW_IDS,
    ControlUse,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.skills.skill_set import SkillSet
from streams.skills.text_reader import TextReader
from streams.texts.disclosure import disclosures_in
from streams.vocabulary import INDEX, RUBRIC, Fact, skill_code
from tests.unit import reference_components, reference_tasks
from tests.unit.reference_facts import facts_of, passed
from tests.unit.reference_first_answers import FirstAnswer, first_answer

_ALLOWED_LATENESS_US: Final = 3_600_000_000
_MAX_EXPONENT: Final = 256.0


@dataclass(frozen=True, slots=True)
class ReferenceFolding:
    """A skill set, prepared; `evidence_items` is by fact, skills are called by their codes. What was folded gave
    `first_answers`.
    """

    reader: TextReader
    codes: tuple[int, ...]
    skills: frozenset[str]
    evidence_items: Mapping[int, list[tuple[int, int]]]
    components: int = COMPONENTS_PER_STUDENT
    first_answers: list[FirstAnswer] = field(default_factory=list)

    @classmethod
    def of(cls, skill_set: SkillSet, components: int = COMPONENTS_PER_STUDENT) -> "ReferenceFolding":
        """Index a skill set by fact and by phrase."""
        evidence_items: dict[int, list[tuple[int, int]]] = {}
        for name, skill in skill_set.skills.items():
            for fact, weight in skill.evidence_weights.items():
                if tenths := round(weight * 10):
                    evidence_items.setdefault(INDEX[fact], []).append((skill_code(name), tenths))
        return cls(
            reader=TextReader.of(skill_set),
            codes=tuple(map(skill_code, skill_set.names)),
            skills=frozenset(skill_set.names),
            evidence_items=evidence_items,
            components=components,
        )

    def fold(self, row: Row, event: NativeEvent, now_us: int, origin: Origin | None = None) -> FoldOutcome:
        """Fold `event` into `row`, in place; `origin` is where a forwarded one came from."""
        if origin is None:
            return self._fold(row, event, now_us)
        partition, offset, index = origin
        if (offset, index) <= row.origins.get(partition, (-1, -1)):
            return FoldOutcome.DUPLICATE
        outcome = self._fold(row, event, now_us)
        if outcome in (FoldOutcome.APPLIED, FoldOutcome.LATE):
            row.origins.pop(partition, None)
            row.origins[partition] = (offset, index)
            while len(row.origins) > MAX_ORIGINS:
                del row.origins[next(iter(row.origins))]
        return outcome

    def _fold(self, row: Row, event: NativeEvent, now_us: int) -> FoldOutcome:
        facts = facts_of(event)
        is_read = isinstance(event, Reflection) or (isinstance(event, Rubric) and event.skill in self.skills)
        if not facts and not is_read:
            return FoldOutcome.IGNORED
        if not _remember(row, event, now_us):
            return FoldOutcome.DUPLICATE
        time_us = min(int(event.time.timestamp() * 1e6), now_us)
        late = time_us < row.as_of_us - _ALLOWED_LATENESS_US
        factor = _advance(row, time_us)
        if isinstance(event, Attempt) and not late:
            facts += _after_failure(row, event, time_us)
        first = first_answer(event, again=any(fact == Fact.RETRIED for fact, _ in facts))
        self.first_answers.extend([] if first is None else [first])
        shown = not (isinstance(event, Message | Reflection) and disclosures_in(event.text))
        task = reference_tasks.task_of(event)
        for fact, value in facts:
            self._count(row, fact, value, time_us // 1_000_000, factor, task, shown=shown)
        if isinstance(event, Attempt):
            reference_components.answer(row, event, time_us // 1_000_000, factor, self.components)
        elif isinstance(event, Control):
            _use_controls(row, event)
        elif isinstance(event, Message | Reflection):
            self._read(row, event.text, time_us // 1_000_000, factor, task)
        elif isinstance(event, Rubric):
            _rate(row, event, time_us // 1_000_000, factor)
        reference_tasks.keep(row, event)
        return FoldOutcome.LATE if late else FoldOutcome.APPLIED

    def _count(self, row: Row, fact: int, value: float, time_s: int, factor: float, task: int, *, shown: bool) -> None:
        totals = row.facts.setdefault(fact, Totals())
        totals.n += 1
        totals.total += value
        totals.squares += value * value
        totals.recent_n += factor
        totals.recent_total += factor * value
        totals.newest_s = max(totals.newest_s, time_s)
        for skill, weight in self.evidence_items.get(fact, ()) if shown else ():
            _note(_skill_state(row, skill), StoredEvidenceItem(fact, value, time_s, weight, task))

    def _read(self, row: Row, text: str, time_s: int, factor: float, task: int) -> None:
        reading = self.reader.read(text)
        for fact, value in reading.facts:
            self._count(row, fact, value, time_s, factor, task, shown=True)
        for hit in reading.hits:
            skill, weight = skill_code(hit.skill), round(hit.weight * 10)
            if weight:
                _note(_skill_state(row, skill), StoredEvidenceItem(hit.code, hit.weight, time_s, weight, task))
        for column, value in reading.log_odds.items():
            skill_state = _skill_state(row, self.codes[column])
            skill_state.text_n += factor
            skill_state.text_total += factor * value
            skill_state.text_newest_s = max(skill_state.text_newest_s, time_s)


def decayed(reference_us: int, at_us: int) -> float:
    """The factor that carries a sum kept at `reference_us` to `at_us`."""
    return math.exp2((reference_us - at_us) / HALF_LIFE_US)


def rebase(row: Row, reference_us: int) -> None:
    """Carry every decayed sum to a new reference time, in place."""
    factor = decayed(row.reference_us, reference_us)
    row.reference_us = reference_us
    for totals in row.facts.values():
        totals.recent_n *= factor
        totals.recent_total *= factor
    for skill_state in row.skills.values():
        skill_state.text_n *= factor
        skill_state.text_total *= factor
        skill_state.rubric_n *= factor
        skill_state.rubric_total *= factor
    reference_components.rebase(row, factor)


def _remember(row: Row, event: NativeEvent, now_us: int) -> bool:
    """As long as a row has room for all ids that its student ever had (see `test_repeats` for what comes after)."""
    digest = blake2b(event.event_id.encode(), digest_size=ID_BYTES).digest()
    known = [row.ids[at : at + ID_BYTES] for at in range(0, len(row.ids), ID_BYTES)]
    if digest in known:
        return False
    assert len(known) < MAX_ROW_IDS
    row.ids = b"".join([*known, digest])
    row.noted += 1
    own_us = int(event.time.timestamp() * 1e6)
    if own_us > now_us + FAR_US:
        row.far_times |= 1 << (own_us * 0x9E3779B97F4A7C15 % 2**64 >> 58)
        own_us = now_us
    row.newest_us = max(row.newest_us, own_us)
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
        rebase(row, time_us)
        exponent = 0.0
    return math.exp2(exponent)


def _after_failure(row: Row, event: Attempt, time_us: int) -> list[tuple[int, float]]:
    item = crc32(event.item_id.encode())
    failed_at = row.open_failures.get(item)
    again = failed_at is not None and failed_at < time_us and event.attempt == 1
    if not passed(event):
        row.open_failures[item] = time_us
        if len(row.open_failures) > MAX_OPEN_FAILURES:
            del row.open_failures[min(row.open_failures, key=lambda key: (row.open_failures[key], key))]
    elif failed_at is not None:
        del row.open_failures[item]
    if not again:
        return []
    return [(Fact.RETRIED, 2.0), (Fact.RECOVERED, 2.0)] if passed(event) else [(Fact.RETRIED, 2.0)]


def _use_controls(row: Row, event: Control) -> None:
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


def _rate(row: Row, event: Rubric, time_s: int, factor: float) -> None:
    skill_state = _skill_state(row, skill_code(event.skill))
    skill_state.rubric_n += factor
    skill_state.rubric_total += factor * event.rating
    skill_state.rubric_newest_s = max(skill_state.rubric_newest_s, time_s)
    weight = round((event.rating - 0.5) * 40) or (1 if event.rating >= 0.5 else -1)
    _note(skill_state, StoredEvidenceItem(RUBRIC, event.rating, time_s, weight))


def _skill_state(row: Row, skill: int) -> SkillState:
    return row.skills.setdefault(skill, SkillState())


def _note(skill_state: SkillState, evidence_items: StoredEvidenceItem) -> None:
    """Keep the newest and weightiest: rank is log2|weight| + age in half-lives, which no later time reorders."""
    skill_state.evidence_items = sorted((*skill_state.evidence_items, evidence_items), key=_rank, reverse=True)[
        :MAX_EVIDENCE
    ]


def _rank(evidence_items: StoredEvidenceItem) -> tuple[float, int, float, int, int]:
    half_lives = evidence_items.time_s * 1e6 / HALF_LIFE_US
    return (
        math.log2(abs(evidence_items.weight)) + half_lives,
        evidence_items.code,
        evidence_items.value,
        evidence_items.time_s,
        evidence_items.task,
    )
