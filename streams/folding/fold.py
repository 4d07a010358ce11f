"""Folding: a batch's events into the rows of its students. Pure, synchronous, the same however batches are cut.

    events ──deduplicate──► new ones ──event times, readings──► facts, phrases, ratings ──► sums, evidence items
                         └─► repeats, no use

Each step takes the whole batch. All sums are order-free. Two structures look at order, and are bounded: the open
failures (for "tried again after a failure", `streams.folding.readings`) and the ids (for repeats,
`streams.folding.deduplication`). An event older than the row's `as_of` by more than an hour is applied in full but
opens and closes no failure.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from schemas.event import NativeEvent, Reflection, Rubric, Voided
from streams.folding.component_sums import add_answers, crowded
from streams.folding.deduplication import Times, deduplicate
from streams.folding.enrolments import note_enrolments
from streams.folding.event_time import EventTimes, advance_event_time, decay_weights
from streams.folding.evidence_items import EvidenceItems, EvidenceWeights, keep_evidence, offered
from streams.folding.facts import Kinds, facts_of, kinds_of
from streams.folding.first_answers import AnswersByRow, answers_by_row
from streams.folding.history import FoldOutcome
from streams.folding.readings import Readings, Said
from streams.folding.retraction import NOTHING_RETRACTED, Retracted, Retraction, Void, concerned
from streams.folding.sums import add_facts, add_to_skills
from streams.folding.task_names import TasksOfEvents
from streams.folding.voidable import keep_voidable
from streams.folding.voided_acts import Voids
from streams.input.origin import Origin
from streams.rows.layout import Indices
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.segments import segments_for
from streams.skills.skill_set import SkillSet
from streams.skills.text_reader import TextReader


class Folded(NamedTuple):
    """The result of folding some events: `new` are the indices of those that changed their row; `clamped` of these came
    from the future. `not_held` would void what is not known any more. `beyond` may repeat an id not known any more.
    `joined` are the indices of events that changed nothing of their row but what an act is called; `retracted` those of
    voids that found their event. `unread` are the new events whose text was not read, by why; `disclosures` the indices
    of those that may disclose harm. `given_up` is how many components went for want of room. `first_answers` are those
    that the events gave, and that voids took back.
    """

    outcomes: list[FoldOutcome]
    new: Indices
    clamped: int
    beyond: int
    joined: Sequence[int]
    retracted: Sequence[int]
    unread: Counter[str]
    disclosures: Sequence[int]
    first_answers: AnswersByRow
    not_held: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Folding:
    """A skill set, prepared for folding. A row keeps so many `segments` of ids, and `components`."""

    names: tuple[str, ...]
    reader: TextReader
    evidence_weights: EvidenceWeights
    segments: int
    components: int

    @classmethod
    def of(cls, skill_set: SkillSet, known_ids: int = KNOWN_IDS, components: int = COMPONENTS_PER_STUDENT) -> "Folding":
        """Index a skill set by fact and by phrase; repeats are known among a student's last `known_ids` ids."""
        return cls(
            names=skill_set.names,
            reader=TextReader.of(skill_set),
            evidence_weights=EvidenceWeights.of([skill.evidence_weights for skill in skill_set.skills.values()]),
            segments=segments_for(known_ids),
            components=components,
        )

    def fold(
        self,
        row_batch: RowBatch,
        row_indices: Sequence[int],
        events: Sequence[NativeEvent],
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin] | None = None,
    ) -> Folded:
        """Fold `events` into these `row_indices` of the row batch, in place and in order; return each event's outcome.

        `now_us`, the records' times, bound the events' own. Idempotent as far as ids are known
        (`streams.folding.deduplication`). `origins`, by the events' indices, say where forwarded ones came from.
        """
        kinds = kinds_of(events)
        if Voided not in kinds:
            return self._fold(row_batch, row_indices, events, kinds, now_us, origins or {}, {})
        return self._fold_with_voids(row_batch, row_indices, events, kinds[Voided], now_us, origins or {})

    def _fold_with_voids(
        self,
        row_batch: RowBatch,
        row_indices: Sequence[int],
        events: Sequence[NativeEvent],
        voids: Sequence[int],
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin],
    ) -> Folded:
        """Voids change sums and evidence only, so the events around them are read as if there were none."""
        is_event = np.ones(len(events), np.bool_)
        is_event[list(voids)] = False
        indices = np.flatnonzero(is_event).tolist()
        some = [events[index] for index in indices]
        of_void = {
            index: Void(row_indices[index], before, cast(Voided, events[index]).voided_id)
            for index, before in zip(voids, np.searchsorted(indices, voids).tolist(), strict=True)
        }
        folded = self._fold(
            row_batch,
            [row_indices[index] for index in indices],
            some,
            kinds_of(some),
            np.asarray(now_us, np.int64)[is_event],
            {number: origins[index] for number, index in enumerate(indices) if index in origins},
            of_void,
        )
        outcomes = [FoldOutcome.IGNORED] * len(events)
        for index, outcome in zip(indices, folded.outcomes, strict=True):
            outcomes[index] = outcome
        for index in folded.retracted:
            outcomes[index] = FoldOutcome.APPLIED
        new = sorted([*(indices[number] for number in folded.new.tolist()), *folded.retracted])
        return folded._replace(
            outcomes=outcomes,
            new=np.array(new, np.intp),
            joined=[indices[number] for number in folded.joined],
            disclosures=[indices[number] for number in folded.disclosures],
            not_held=len(voids) - len(folded.retracted),
        )

    def _fold(
        self,
        row_batch: RowBatch,
        row_indices: Sequence[int],
        events: Sequence[NativeEvent],
        kinds: Kinds,
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin],
        voids: Mapping[int, Void],
    ) -> Folded:
        facts = facts_of(events, kinds)
        counts = np.bincount(facts.event, minlength=len(events))
        useful = counts > 0
        useful[kinds.get(Reflection, [])] = True  # its text is read, were it asked for or not
        useful[[index for index in kinds.get(Rubric, []) if self._is_rating(events[index])]] = True
        own_us = np.array([event.time.timestamp() for event in events], np.float64) * 1e6
        times = Times.of(own_us.astype(np.int64), np.asarray(now_us, np.int64))
        time_us = np.minimum(times.own_us, times.record_us)
        by_row: defaultdict[int, list[Void]] = defaultdict(list)
        for void in voids.values():
            by_row[void.row].append(void)
        predictions = Voids(by_row, events, counts, time_us, self._values_of) if voids else None
        outcomes, fresh, beyond, joined = deduplicate(
            row_batch, row_indices, events, useful.tolist(), times, origins, self.segments, predictions
        )
        new = np.flatnonzero(fresh)
        if len(new) < len(events):
            events = [events[index] for index in new.tolist()]
            kinds, facts = kinds_of(events), facts.of(new)
        event_times = advance_event_time(row_batch, np.asarray(row_indices, np.intp)[new], time_us[new])
        for index in new[event_times.late].tolist():
            outcomes[index] = FoldOutcome.LATE
        note_enrolments(row_batch, events, event_times)
        readings = Readings(row_batch, self.reader)
        readings.read(events, kinds, facts, event_times)
        if len(new) < len(row_indices):
            before = np.searchsorted(new, [void.before for void in voids.values()]).tolist()
            voids = {index: void._replace(before=at) for (index, void), at in zip(voids.items(), before, strict=True)}
        retracted = self._add(row_batch, events, readings, event_times, voids)
        clamped = int(np.count_nonzero((own_us > times.record_us)[new]))
        disclosures: list[int] = new[readings.disclosures].tolist()
        return Folded(
            outcomes,
            new,
            clamped,
            beyond,
            joined,
            retracted.voids,
            readings.unread,
            disclosures,
            answers_by_row(readings.first_answers, event_times.row_index, retracted.first_answers),
            given_up=retracted.components_given_up,
        )

    def _values_of(self, text: str) -> int:
        reading = self.reader.read(text)
        return len(reading.log_odds) + bool(reading.facts)

    def _is_rating(self, event: NativeEvent) -> bool:
        return type(event) is Rubric and event.skill in self.names

    def _add(
        self,
        row_batch: RowBatch,
        events: Sequence[NativeEvent],
        readings: Readings,
        event_times: EventTimes,
        voids: Mapping[int, Void],
    ) -> Retracted:
        """Add what the new `events` say, and take back what the `voids` find."""
        said = readings.said
        rows = crowded(row_batch, said.answers, self.components)
        if voids:
            rows |= concerned(row_batch, event_times.row_index.tolist(), events, list(voids.values()))
        if not rows:
            self._add_all(row_batch, events, said, event_times, readings.evidence_items(event_times.time_s))
            return NOTHING_RETRACTED
        one_by_one = np.isin(event_times.row_index, list(rows))
        theirs = {index: void for index, void in voids.items() if void.row in rows}
        retraction = Retraction(row_batch, self.evidence_weights, self.components)
        retracted = retraction.add(events, event_times, one_by_one, said, readings.evidence, theirs)
        others = ~one_by_one
        some = [event for event, other in zip(events, others.tolist(), strict=True) if other]
        evidence = readings.evidence_items(event_times.time_s, others)
        self._add_all(row_batch, some, said.of(others), event_times.of(others), evidence)
        return retracted

    def _add_all(
        self,
        row_batch: RowBatch,
        events: Sequence[NativeEvent],
        said: Said,
        event_times: EventTimes,
        evidence: EvidenceItems,
    ) -> None:
        """All at once, as columns."""
        keep_voidable(row_batch, events, event_times, said)
        time_s = event_times.time_s
        for chosen, weight in decay_weights(row_batch, event_times):
            of_s = time_s if chosen is None else time_s[chosen]
            some = said.of(chosen)
            add_facts(row_batch, some.facts, weight, of_s)
            add_to_skills(row_batch, "text", some.texts, weight, of_s)
            add_to_skills(row_batch, "rubric", some.ratings, weight, of_s)
            add_answers(row_batch, some.answers, weight, of_s)
        items = offered(self.evidence_weights, said.shown, time_s, len(self.names)) + evidence
        keep_evidence(row_batch, items, TasksOfEvents(events))
