"""Reads from a batch's events what is not a fact of one event: phrases, ratings, answers, and facts that depend on
earlier events.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from schemas.event import Attempt, Control, Message, NativeEvent, Reflection, Rubric
from streams.folding.answers import NO_ANSWERS, Answers, answers_of
from streams.folding.event_time import EventTimes
from streams.folding.evidence_items import NO_EVIDENCE, EvidenceItems
from streams.folding.facts import Facts, Kinds, has_passed
from streams.folding.first_answers import NO_FIRST_ANSWERS_OF_EVENTS, FirstAnswers, first_answers_of
from streams.folding.sums import NO_ENTRIES, Entries, Noted
from streams.folding.task_names import unasked
from streams.rows.layout import Array
from streams.rows.row import MAX_CONTROLS, MAX_OPEN_FAILURES, ControlUse
from streams.rows.row_batch import RowBatch
from streams.rows.sections import controls_of, controls_section, failures_of, failures_section
from streams.skills.text_reader import TextReader, Unread
from streams.vocabulary import FACTS, RUBRIC, Fact


@dataclass(frozen=True, slots=True)
class Said:
    """What some events add to sums. `shown` are the facts that may become evidence items: none of a disclosure."""

    facts: Entries
    shown: Entries
    texts: Entries
    ratings: Entries
    answers: Answers
    first: FirstAnswers

    def of(self, chosen: Array | None) -> "Said":
        """As `Entries.of`."""
        if chosen is None:
            return self
        facts, texts, ratings = (each.of(chosen) for each in (self.facts, self.texts, self.ratings))
        shown = facts if self.shown is self.facts else self.shown.of(chosen)
        return Said(facts, shown, texts, ratings, self.answers.of(chosen), self.first.of(chosen))


class Readings:
    """Reads a batch's new events once. Open failures and controls are kept in the row batch at once.

    `unread` are the texts that were not read, by why; `disclosures` the numbers of the events that may disclose harm.
    """

    def __init__(self, row_batch: RowBatch, reader: TextReader) -> None:
        self._facts, self._texts, self._ratings, self._answers = NO_ENTRIES, Noted(), Noted(), NO_ANSWERS
        self.first_answers = NO_FIRST_ANSWERS_OF_EVENTS
        self.unread: Counter[str] = Counter()
        self.disclosures: list[int] = []
        self._row_batch = row_batch
        self._reader = reader
        self._skills = len(row_batch.names)
        self._evidence: list[tuple[int, int, float, int, int]] = []

    def read(self, events: Sequence[NativeEvent], kinds: Kinds, facts: Facts, event_times: EventTimes) -> None:
        """Read the events. `facts` are those that each has by itself; those that depend on other events are added
        here.
        """
        row_indices = event_times.row_index.tolist()
        said = self._after_failures(events, kinds.get(Attempt, ()), row_indices, event_times)
        again = {number for number, _, _ in said}
        for number in sorted([*kinds.get(Message, ()), *kinds.get(Reflection, ())]):
            said += self._read_text(row_indices[number], cast(Message, events[number]).text, number)
        if said:
            facts = facts.and_of(*zip(*said, strict=True))
        self._facts = Entries(event_times.row_index[facts.event] * len(FACTS) + facts.fact, facts.value, facts.event)
        self._answers = answers_of(events, kinds.get(Attempt, ()), event_times.row_index)
        self.first_answers = first_answers_of(events, kinds, facts, again)
        self._use_controls(events, kinds.get(Control, ()), row_indices)
        for number in kinds.get(Rubric, ()):
            self._rate(row_indices[number], cast(Rubric, events[number]), number)

    @property
    def said(self) -> Said:
        """What the events add to sums."""
        texts, ratings = self._texts.arrays(), self._ratings.arrays()
        return Said(self._facts, self._shown(), texts, ratings, self._answers, self.first_answers)

    @property
    def evidence(self) -> Sequence[tuple[int, int, float, int, int]]:
        """The phrases and ratings that are evidence: (group, code, value, weight, the event's number)."""
        return self._evidence

    def evidence_items(self, time_s: Array, of: NDArray[np.bool_] | None = None) -> EvidenceItems:
        """The same as arrays, all or those `of` some events, whose numbers are 0, 1, 2 … then; `time_s` is by the
        numbers as they were.
        """
        evidence_items = self._evidence if of is None else [one for one in self._evidence if of[one[4]]]
        if not evidence_items:
            return NO_EVIDENCE
        group, code, value, weight, event = zip(*evidence_items, strict=True)
        number = np.array(event, np.intp)
        return EvidenceItems(
            group=np.array(group, np.int64),
            code=np.array(code, np.int64),
            value=np.array(value, np.float64),
            weight=np.array(weight, np.int64),
            time_s=time_s[number],
            task=unasked(number if of is None else (np.cumsum(of) - 1)[number]),
        )

    def _shown(self) -> Entries:
        if not self.disclosures:
            return self._facts
        shown = ~np.isin(self._facts.event, self.disclosures)
        return Entries(self._facts.where[shown], self._facts.value[shown], self._facts.event[shown])

    def _read_text(self, row_index: int, text: str, number: int) -> Iterator[tuple[int, int, float]]:
        """Note what a text says of skills; facts (event, fact, value) that describe it."""
        reading = self._reader.read(text)
        if reading.unread is not None:
            self.unread[reading.unread.value] += 1
            if reading.unread is Unread.DISCLOSURE:
                self.disclosures.append(number)
        first = row_index * self._skills
        for hit in reading.hits:
            weight = round(hit.weight * 10)
            if weight:
                self._evidence.append((first + hit.column, hit.code, hit.weight, weight, number))
        for column, value in reading.log_odds.items():
            self._texts.note(first + column, value, number)
        return ((number, fact, value) for fact, value in reading.facts)

    def _rate(self, row_index: int, event: Rubric, number: int) -> None:
        where = row_index * self._skills + self._row_batch.names.index(event.skill)
        self._ratings.note(where, event.rating, number)
        weight = round((event.rating - 0.5) * 40) or (1 if event.rating >= 0.5 else -1)
        self._evidence.append((where, RUBRIC, event.rating, weight, number))

    def _after_failures(
        self,
        events: Sequence[NativeEvent],
        attempts: Sequence[int],
        row_indices: Sequence[int],
        event_times: EventTimes,
    ) -> list[tuple[int, int, float]]:
        """Facts (event, fact, value) that attempts are only because earlier ones failed."""
        stored = self._row_batch.sections["failures"]
        open_failures: dict[int, dict[int, int]] = {}
        times_us, late = event_times.time_us.tolist(), event_times.late.tolist()
        said: list[tuple[int, int, float]] = []
        for number in attempts:
            if late[number]:
                continue
            row_index = row_indices[number]
            failures = open_failures.get(row_index)
            if failures is None:
                failures = open_failures[row_index] = failures_of(stored[row_index])
            event = cast(Attempt, events[number])
            if failures or not has_passed(event):
                said += [(number, *fact) for fact in after_failure(failures, event, times_us[number])]
        for row_index, failures in open_failures.items():
            stored[row_index] = failures_section(failures)
        return said

    def _use_controls(self, events: Sequence[NativeEvent], indices: Sequence[int], row_indices: Sequence[int]) -> None:
        """Count, for each control, how often it was varied alone.

        Of more than MAX_CONTROLS controls those of the smallest hashes are kept: the order of arrival doesn't matter.
        """
        stored = self._row_batch.sections["controls"]
        used: dict[int, dict[int, ControlUse]] = {}
        hashes: dict[str, int] = {}
        for number in indices:
            event, row_index = cast(Control, events[number]), row_indices[number]
            if event.reset:
                continue
            controls = used.get(row_index)
            if controls is None:
                controls = used[row_index] = controls_of(stored[row_index])
            for name in event.controls:
                if name not in hashes:
                    hashes[name] = crc32(name.encode())
                if hashes[name] not in controls:
                    controls[hashes[name]] = ControlUse()
            moved = [name for name, setting in event.controls.items() if setting]
            if len(moved) == 1:
                use = controls[hashes[moved[0]]]
                use.alone += 1
                use.isolated += event.changed == 1
            while len(controls) > MAX_CONTROLS:
                del controls[max(controls)]
        for row_index, controls in used.items():
            stored[row_index] = controls_section(controls)


def after_failure(failures: dict[int, int], event: Attempt, time_us: int) -> Sequence[tuple[int, float]]:
    """Note in `failures` (item, time) what this attempt opens or closes; return the facts that it has because of an
    earlier one.

    Only where the platform did not number its tries, and not of two at one moment, which are one act reported twice.
    The MAX_OPEN_FAILURES latest failed items are known.
    """
    failed = not has_passed(event)
    item = crc32(event.item_id.encode())
    failed_at = failures.get(item)
    if failed:
        failures[item] = time_us
        if len(failures) > MAX_OPEN_FAILURES:
            _, oldest = min(zip(failures.values(), failures, strict=True))
            del failures[oldest]
    elif failed_at is not None:
        del failures[item]
    if failed_at is None or failed_at >= time_us or event.attempt != 1:
        return ()
    return ((Fact.RETRIED, 2.0),) if failed else ((Fact.RETRIED, 2.0), (Fact.RECOVERED, 2.0))
