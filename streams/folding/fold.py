"""Folding: a batch's events into the rows of its students. Pure, synchronous, the same however batches are cut.

    events ──sift──► new ones ──arrive──► their times ──readings──► facts, phrases, ratings ──► sums, telling events
                 └─► repeats, no use

Each step takes the whole batch. All sums are order-free. Two structures look at order, and are bounded: the open
failures (for "tried again after a failure", `streams.folding.readings`) and the ids (for repeats,
`streams.folding.deduplication`). An event older than the row's `as_of` by more than an hour is applied in full but
opens and closes no failure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from schemas.event import NativeEvent, Rubric, Voided
from streams.folding.deduplication import Outcome, Times, sift
from streams.folding.event_time import Arrival, arrive, weighed
from streams.folding.evidence_items import Tells, Told, keep, offered
from streams.folding.facts import Kinds, facts_of, kinds_of
from streams.folding.readings import Readings
from streams.folding.retraction import Retraction, Void, concerned
from streams.folding.sums import Entries, add_facts, add_to_cells
from streams.folding.voidable import keep_voidable
from streams.folding.voided_acts import Voids
from streams.input.origin import Origin
from streams.rows.layout import Indices
from streams.rows.row import KNOWN_IDS
from streams.rows.row_batch import Block, Integers
from streams.rows.segments import segments_for
from streams.skills.phrase_book import PhraseBook, tokenise
from streams.skills.skill_set import SkillSet


class Folded(NamedTuple):
    """What became of some events: `new` are the places of those that changed their line; `clamped` of these came from
    the future. `not_held` would void what is not known any more. `beyond` may repeat an id not known any more. `joined`
    are the places of events that changed nothing of their row but what an act is called.
    """

    outcomes: list[Outcome]
    new: Indices
    clamped: int
    not_held: int = 0
    beyond: int = 0
    joined: Sequence[int] = ()


class _Added(NamedTuple):
    """As Folded, of events without the voids among them; `retracted` are the places of voids that found their event."""

    outcomes: list[Outcome]
    new: Indices
    clamped: int
    beyond: int
    joined: list[int]
    retracted: list[int]


@dataclass(frozen=True, slots=True)
class Folding:
    """A skill set, prepared for folding. `per_text` is what a text says of a skill by itself, by column.

    A row keeps so many `segments` of ids.
    """

    names: tuple[str, ...]
    phrases: PhraseBook
    per_text: Mapping[int, float]
    tells: Tells
    segments: int

    @classmethod
    def of(cls, skill_set: SkillSet, known_ids: int = KNOWN_IDS) -> "Folding":
        """Index a skill set by fact and by phrase; repeats are known among a student's last `known_ids` ids."""
        skills = list(skill_set.skills.values())
        return cls(
            names=skill_set.names,
            phrases=PhraseBook({name: skill.lexicon for name, skill in skill_set.skills.items()}),
            per_text={column: skill.per_text for column, skill in enumerate(skills) if skill.per_text is not None},
            tells=Tells.of([skill.telling for skill in skills]),
            segments=segments_for(known_ids),
        )

    def fold(
        self,
        block: Block,
        lines: Sequence[int],
        events: Sequence[NativeEvent],
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin] | None = None,
    ) -> Folded:
        """Fold `events` into these `lines` of the block, in place and in order; say what became of each.

        `now_us`, the records' times, bound the events' own. Idempotent as far as ids are known
        (`streams.folding.deduplication`). `origins`, by the events' places, say where forwarded ones came from.
        """
        kinds = kinds_of(events)
        if Voided not in kinds:
            folded = self._fold(block, lines, events, kinds, now_us, origins or {}, {})
            return Folded(folded.outcomes, folded.new, folded.clamped, beyond=folded.beyond, joined=folded.joined)
        return self._fold_with_voids(block, lines, events, kinds[Voided], now_us, origins or {})

    def _fold_with_voids(
        self,
        block: Block,
        lines: Sequence[int],
        events: Sequence[NativeEvent],
        voids: Sequence[int],
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin],
    ) -> Folded:
        """Voids change sums and evidence only, so the events around them are read as if there were none."""
        is_event = np.ones(len(events), np.bool_)
        is_event[list(voids)] = False
        places = np.flatnonzero(is_event).tolist()
        some = [events[place] for place in places]
        of_void = {
            place: Void(lines[place], before, cast(Voided, events[place]).voided_id)
            for place, before in zip(voids, np.searchsorted(places, voids).tolist(), strict=True)
        }
        folded = self._fold(
            block,
            [lines[place] for place in places],
            some,
            kinds_of(some),
            np.asarray(now_us, np.int64)[is_event],
            {number: origins[place] for number, place in enumerate(places) if place in origins},
            of_void,
        )
        outcomes = [Outcome.IGNORED] * len(events)
        for place, outcome in zip(places, folded.outcomes, strict=True):
            outcomes[place] = outcome
        for place in folded.retracted:
            outcomes[place] = Outcome.APPLIED
        new = sorted([*(places[number] for number in folded.new.tolist()), *folded.retracted])
        not_held = len(voids) - len(folded.retracted)
        joined = [places[number] for number in folded.joined]
        return Folded(outcomes, np.array(new, np.intp), folded.clamped, not_held, folded.beyond, joined)

    def _fold(
        self,
        block: Block,
        lines: Sequence[int],
        events: Sequence[NativeEvent],
        kinds: Kinds,
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin],
        voids: Mapping[int, Void],
    ) -> _Added:
        facts = facts_of(events, kinds)
        useful = np.bincount(facts.event, minlength=len(events)) > 0
        useful[[place for place in kinds.get(Rubric, ()) if self._is_rating(events[place])]] = True
        own_us = np.array([event.time.timestamp() for event in events], np.float64) * 1e6
        times = Times(own_us.astype(np.int64), np.asarray(now_us, np.int64))
        by_row: defaultdict[int, list[Void]] = defaultdict(list)
        for void in voids.values():
            by_row[void.row].append(void)
        counts = np.bincount(facts.event, minlength=len(events))
        foreseen = Voids(by_row, events, counts, np.minimum(*times), self._columns_of) if voids else None
        outcomes, beyond, joined = sift(block, lines, events, useful.tolist(), times, origins, self.segments, foreseen)
        new = np.array([place for place, outcome in enumerate(outcomes) if outcome is Outcome.APPLIED], np.intp)
        if len(new) < len(events):
            events = [events[place] for place in new.tolist()]
            kinds, facts = kinds_of(events), facts.of(new)
        time_us = np.minimum(*times)[new]
        arrival = arrive(block, np.asarray(lines, np.intp)[new], time_us)
        for place in new[arrival.late].tolist():
            outcomes[place] = Outcome.LATE
        readings = Readings(block, self.phrases, self.per_text)
        readings.read(events, kinds, facts, arrival)
        if len(new) < len(lines):
            before = np.searchsorted(new, [void.before for void in voids.values()]).tolist()
            voids = {place: void._replace(before=at) for (place, void), at in zip(voids.items(), before, strict=True)}
        retracted = self._add(block, events, readings, arrival, voids)
        return _Added(outcomes, new, int(np.sum((own_us > times.record_us)[new])), beyond, joined, retracted)

    def _columns_of(self, text: str) -> int:
        return len(self.per_text.keys() | {hit.column for hit in self.phrases.find(tokenise(text))})

    def _is_rating(self, event: NativeEvent) -> bool:
        return type(event) is Rubric and event.skill in self.names

    def _add(
        self,
        block: Block,
        events: Sequence[NativeEvent],
        readings: Readings,
        arrival: Arrival,
        voids: Mapping[int, Void],
    ) -> list[int]:
        """Add what the new `events` say; the places of those of the `voids` that found their event."""
        said = readings.facts, readings.texts.arrays(), readings.ratings.arrays()
        rows = concerned(block, arrival.line.tolist(), events, list(voids.values())) if voids else None
        if not rows:
            self._add_all(block, events, said, arrival, readings.told(arrival.time_s))
            return []
        one_by_one = np.isin(arrival.line, list(rows))
        theirs = {place: void for place, void in voids.items() if void.row in rows}
        retracted = Retraction(block, self.tells).add(events, arrival, one_by_one, said, readings.evidence, theirs)
        others = ~one_by_one
        some = [event for event, other in zip(events, others.tolist(), strict=True) if other]
        facts, texts, ratings = (entries.of(others) for entries in said)
        told = readings.told(arrival.time_s, others)
        self._add_all(block, some, (facts, texts, ratings), arrival.of(others), told)
        return retracted

    def _add_all(
        self,
        block: Block,
        events: Sequence[NativeEvent],
        said: tuple[Entries, Entries, Entries],
        arrival: Arrival,
        told: Told,
    ) -> None:
        """All at once, as columns."""
        facts, texts, ratings = said
        keep_voidable(block, events, arrival, facts, texts, ratings)
        time_s = arrival.time_s
        for chosen, weight in weighed(block, arrival):
            of_s = time_s if chosen is None else time_s[chosen]
            add_facts(block, facts.of(chosen), weight, of_s)
            add_to_cells(block, "text", texts.of(chosen), weight, of_s)
            add_to_cells(block, "rubric", ratings.of(chosen), weight, of_s)
        keep(block, offered(self.tells, facts, time_s, len(self.names)) + told)
