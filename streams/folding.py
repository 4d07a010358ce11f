"""Folding: a batch's events into the rows of its students. Pure, synchronous, the same however batches are cut.

    events ──sift──► new ones ──arrive──► their times ──readings──► facts, phrases, ratings ──► sums, telling events
                 └─► repeats, no use

Each step takes the whole batch. All sums are order-free. Two structures look at order, and are bounded: the open
failures (for "tried again after a failure", `streams.readings`) and the ids (for repeats, `streams.repeats`). An event
older than the row's `as_of` by more than an hour is applied in full but opens and closes no failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.event import NativeEvent, Rubric
from streams.arrival import Arrival, arrive, weighed
from streams.block import Block
from streams.facts import facts_of
from streams.layout import Indices
from streams.readings import Readings
from streams.repeats import Origin, Outcome, sift
from streams.skills import SkillSet
from streams.sums import add_facts, add_to_cells
from streams.tellings import Tells, keep, offered
from streams.text import PhraseBook


class Folded(NamedTuple):
    """What became of some events: `new` are the places of those that changed their line; `clamped` of these came from
    the future.
    """

    outcomes: list[Outcome]
    new: Indices
    clamped: int


@dataclass(frozen=True, slots=True)
class Folding:
    """A skill set, prepared for folding. `per_text` is what a text says of a skill by itself, by column."""

    names: tuple[str, ...]
    phrases: PhraseBook
    per_text: Mapping[int, float]
    tells: Tells

    @classmethod
    def of(cls, skill_set: SkillSet) -> "Folding":
        """Index a skill set by fact and by phrase."""
        skills = list(skill_set.skills.values())
        return cls(
            names=skill_set.names,
            phrases=PhraseBook({name: skill.lexicon for name, skill in skill_set.skills.items()}),
            per_text={column: skill.per_text for column, skill in enumerate(skills) if skill.per_text is not None},
            tells=Tells.of([skill.telling for skill in skills]),
        )

    def fold(
        self,
        block: Block,
        lines: Sequence[int],
        events: Sequence[NativeEvent],
        now_us: Sequence[int],
        origins: Mapping[int, Origin] | None = None,
    ) -> Folded:
        """Fold `events` into these `lines` of the block, in place and in order; say what became of each.

        `now_us`, the records' times, bound the events' own. Idempotent within the last MAX_IDS events of a line.
        `origins`, by the events' places, say where forwarded ones came from.
        """
        facts = [facts_of(event) for event in events]
        useful = [bool(told) or self._is_rating(event) for told, event in zip(facts, events, strict=True)]
        outcomes = sift(block, lines, events, useful, origins or {})
        new = [place for place, outcome in enumerate(outcomes) if outcome is Outcome.APPLIED]
        own_us = np.array([events[place].time.timestamp() for place in new], np.float64) * 1e6
        bound_us = np.array([now_us[place] for place in new], np.int64)
        line = np.array([lines[place] for place in new], np.intp)
        arrival = arrive(block, line, np.minimum(own_us.astype(np.int64), bound_us))
        for number in np.flatnonzero(arrival.late).tolist():
            outcomes[new[number]] = Outcome.LATE
        readings = Readings(block, self.phrases, self.per_text)
        readings.read([events[place] for place in new], [facts[place] for place in new], arrival)
        self._add(block, readings, arrival)
        return Folded(outcomes, np.array(new, np.intp), int(np.sum(own_us > bound_us)))

    def _is_rating(self, event: NativeEvent) -> bool:
        return type(event) is Rubric and event.skill in self.names

    def _add(self, block: Block, readings: Readings, arrival: Arrival) -> None:
        facts, texts, ratings = readings.facts, readings.texts.arrays(), readings.ratings.arrays()
        time_s = arrival.time_s
        for start, stop, weight in weighed(block, arrival):
            add_facts(block, facts.between(start, stop), weight, time_s[start:stop])
            add_to_cells(block, "text", texts.between(start, stop), weight, time_s[start:stop])
            add_to_cells(block, "rubric", ratings.between(start, stop), weight, time_s[start:stop])
        keep(block, offered(self.tells, facts, time_s, len(self.names)) + readings.told(time_s))
