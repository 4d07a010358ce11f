"""Folding: a batch's events into the rows of its students. Pure, synchronous, the same however batches are cut.

    events ──sift──► new ones ──arrive──► their times ──readings──► facts, phrases, ratings ──► sums, telling events
                 └─► repeats, no use

Each step takes the whole batch. All sums are order-free. Two structures look at order, and are bounded: the open
failures (for "tried again after a failure", `streams.readings`) and the ids (for repeats, `streams.repeats`). An event
older than the row's `as_of` by more than an hour is applied in full but opens and closes no failure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from schemas.event import NativeEvent, Rubric, Voided
from streams.arrival import Arrival, arrive, weighed
from streams.block import Block, Integers
from streams.facts import Kinds, facts_of, kinds_of
from streams.layout import Indices
from streams.origin import Origin
from streams.readings import Readings
from streams.repeats import Outcome, Times, sift
from streams.row import KNOWN_IDS
from streams.segments import segments_for
from streams.skills import SkillSet
from streams.sums import add_facts, add_to_cells
from streams.tellings import Tells, keep, offered
from streams.text import PhraseBook
from streams.voiding import keep_voidable, take_back


class Folded(NamedTuple):
    """What became of some events: `new` are the places of those that changed their line; `clamped` of these came from
    the future. `not_held` would void what is not known any more. `beyond` may repeat an id not known any more.
    """

    outcomes: list[Outcome]
    new: Indices
    clamped: int
    not_held: int = 0
    beyond: int = 0


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

        `now_us`, the records' times, bound the events' own. Idempotent as far as ids are known (`streams.repeats`).
        `origins`, by the events' places, say where forwarded ones came from.
        """
        kinds = kinds_of(events)
        if Voided not in kinds:
            return self._fold(block, lines, events, kinds, now_us, origins or {})
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
        """In rounds: what each line has before its first void; these voids; what it has before its second; and on."""
        rounds = _rounds(lines, set(voids))
        outcomes, new, clamped, beyond = [Outcome.IGNORED] * len(events), [], 0, 0
        for places, of_round in rounds:
            some = [events[place] for place in places]
            folded = self._fold(
                block,
                [lines[place] for place in places],
                some,
                kinds_of(some),
                [int(now_us[place]) for place in places],
                {number: origins[place] for number, place in enumerate(places) if place in origins},
            )
            for place, outcome in zip(places, folded.outcomes, strict=True):
                outcomes[place] = outcome
            new += [places[number] for number in folded.new.tolist()]
            clamped += folded.clamped
            beyond += folded.beyond
            for place in of_round:
                if take_back(block, lines[place], cast(Voided, events[place]).voided_id):
                    outcomes[place] = Outcome.APPLIED
                    new.append(place)
        not_held = sum(outcomes[place] is Outcome.IGNORED for place in voids)
        return Folded(outcomes, np.array(sorted(new), np.intp), clamped, not_held, beyond)

    def _fold(
        self,
        block: Block,
        lines: Sequence[int],
        events: Sequence[NativeEvent],
        kinds: Kinds,
        now_us: Sequence[int] | Integers,
        origins: Mapping[int, Origin],
    ) -> Folded:
        facts = facts_of(events, kinds)
        useful = np.bincount(facts.event, minlength=len(events)) > 0
        useful[[place for place in kinds.get(Rubric, ()) if self._is_rating(events[place])]] = True
        own_us = np.array([event.time.timestamp() for event in events], np.float64) * 1e6
        times = Times(own_us.astype(np.int64), np.asarray(now_us, np.int64))
        outcomes, beyond = sift(block, lines, events, useful.tolist(), times, origins, self.segments)
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
        self._add(block, events, readings, arrival)
        return Folded(outcomes, new, int(np.sum((own_us > times.record_us)[new])), beyond=beyond)

    def _is_rating(self, event: NativeEvent) -> bool:
        return type(event) is Rubric and event.skill in self.names

    def _add(self, block: Block, events: Sequence[NativeEvent], readings: Readings, arrival: Arrival) -> None:
        facts, texts, ratings = readings.facts, readings.texts.arrays(), readings.ratings.arrays()
        keep_voidable(block, events, arrival, facts, texts, ratings)
        time_s = arrival.time_s
        for start, stop, weight in weighed(block, arrival):
            add_facts(block, facts.between(start, stop), weight, time_s[start:stop])
            add_to_cells(block, "text", texts.between(start, stop), weight, time_s[start:stop])
            add_to_cells(block, "rubric", ratings.between(start, stop), weight, time_s[start:stop])
        keep(block, offered(self.tells, facts, time_s, len(self.names)) + readings.told(time_s))


def _rounds(lines: Sequence[int], voids: set[int]) -> list[tuple[list[int], list[int]]]:
    """The places of events and of voids, by how many voids of the same line came before."""
    rounds: list[tuple[list[int], list[int]]] = [([], [])]
    voids_before: Counter[int] = Counter()
    for place, line in enumerate(lines):
        before = voids_before[line]
        if before == len(rounds):
            rounds.append(([], []))
        rounds[before][place in voids].append(place)
        voids_before[line] += place in voids
    return rounds
