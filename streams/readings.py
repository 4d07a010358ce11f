"""What a batch's events say: facts, phrases and ratings, noted event by event."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, cast
from zlib import crc32

import numpy as np

from schemas.event import Attempt, Control, Message, NativeEvent, Reflection, Rubric
from streams.arrival import Arrival
from streams.block import Block
from streams.facts import FACTS, PASS_SCORE, RECOVERED, RETRIED, Fact
from streams.layout import Array
from streams.row import MAX_CONTROLS, MAX_OPEN_FAILURES, RUBRIC, ControlUse
from streams.row_parts import controls_of, controls_part, failures_of, failures_part
from streams.sums import NO_ENTRIES, Entries, Noted
from streams.tellings import Told
from streams.text import PhraseBook, tokenise

MAX_TEXT_LOG_ODDS: Final = 3.0


class Readings:
    """Reads a batch's new events, in their order, once. Open failures and controls are kept in the block at once."""

    def __init__(self, block: Block, phrases: PhraseBook, per_text: Mapping[int, float]) -> None:
        self.facts, self.texts, self.ratings = NO_ENTRIES, Noted(), Noted()
        self._block = block
        self._phrases = phrases
        self._per_text = per_text
        self._skills = len(block.names)
        self._failures: dict[int, dict[int, int]] = {}
        self._controls: dict[int, dict[int, ControlUse]] = {}
        self._told: list[tuple[int, int, float, int, int]] = []

    def read(self, events: Sequence[NativeEvent], facts: Sequence[list[Fact]], arrival: Arrival) -> None:
        """Note what the events say. `facts` are what each is by itself; what it is because of others is added there."""
        lines, times_us, late = arrival.line.tolist(), arrival.time_us.tolist(), arrival.late.tolist()
        for number, event in enumerate(events):
            kind = type(event)
            if kind is Attempt:
                if not late[number]:
                    facts[number].extend(self._after_failure(lines[number], cast(Attempt, event), times_us[number]))
            elif kind is Control:
                self._use_controls(lines[number], cast(Control, event))
            elif kind is Message or kind is Reflection:
                self._read_text(lines[number], cast(Message, event).text, number)
            elif kind is Rubric:
                self._rate(lines[number], cast(Rubric, event), number)
        flat = list(chain.from_iterable(facts))
        if flat:
            count = np.fromiter(map(len, facts), np.intp, len(facts))
            fact, value = zip(*flat, strict=True)
            where = np.repeat(arrival.line * len(FACTS), count) + np.array(fact, np.intp)
            self.facts = Entries(where, np.array(value, np.float64), np.repeat(np.arange(len(facts)), count))
        for line, failures in self._failures.items():
            self._block.small["failures"][line] = failures_part(failures)
        for line, controls in self._controls.items():
            self._block.small["controls"][line] = controls_part(controls)

    def told(self, time_s: Array) -> Told:
        """The phrases and ratings that are evidence; `time_s` by the events' numbers."""
        group, code, value, weight, event = zip(*self._told, strict=True) if self._told else ((),) * 5
        return Told(
            group=np.array(group, np.int64),
            code=np.array(code, np.int64),
            value=np.array(value, np.float64),
            weight=np.array(weight, np.int64),
            time_s=time_s[np.array(event, np.intp)],
        )

    def _read_text(self, line: int, text: str, number: int) -> None:
        log_odds = dict(self._per_text)
        first = line * self._skills
        for hit in self._phrases.find(tokenise(text)):
            log_odds[hit.column] = log_odds.get(hit.column, 0.0) + hit.weight
            weight = round(hit.weight * 10)
            if weight:
                self._told.append((first + hit.column, hit.code, hit.weight, weight, number))
        for column, value in log_odds.items():
            self.texts.note(first + column, max(-MAX_TEXT_LOG_ODDS, min(MAX_TEXT_LOG_ODDS, value)), number)

    def _rate(self, line: int, event: Rubric, number: int) -> None:
        where = line * self._skills + self._block.names.index(event.skill)
        self.ratings.note(where, event.rating, number)
        weight = round((event.rating - 0.5) * 40) or (1 if event.rating >= 0.5 else -1)
        self._told.append((where, RUBRIC, event.rating, weight, number))

    def _after_failure(self, line: int, event: Attempt, time_us: int) -> list[Fact]:
        """Facts that an attempt is only because an earlier one failed, where the platform did not number its tries.

        Of each student the MAX_OPEN_FAILURES latest failed items are known.
        """
        failures = self._failures.get(line)
        if failures is None:
            failures = self._failures[line] = failures_of(self._block.small["failures"][line])
        failed = event.score < PASS_SCORE
        if not (failed or failures):
            return []
        item = crc32(event.item_id.encode())
        failed_at = failures.get(item)
        if failed:
            failures[item] = time_us
            if len(failures) > MAX_OPEN_FAILURES:
                del failures[min(failures, key=lambda key: (failures[key], key))]
        elif failed_at is not None:
            del failures[item]
        if failed_at is None or failed_at > time_us or event.attempt != 1:
            return []
        return [(RETRIED, 2.0)] if failed else [(RETRIED, 2.0), (RECOVERED, 2.0)]

    def _use_controls(self, line: int, event: Control) -> None:
        """Count, for each control, how often it was varied alone.

        Of more than MAX_CONTROLS controls those of the smallest hashes are kept: the order of arrival doesn't matter.
        """
        if event.reset:
            return
        controls = self._controls.get(line)
        if controls is None:
            controls = self._controls[line] = controls_of(self._block.small["controls"][line])
        moved = [name for name, setting in event.controls.items() if setting]
        for name in event.controls:
            use = controls.setdefault(crc32(name.encode()), ControlUse())
            if moved == [name]:
                use.alone += 1
                use.isolated += event.changed == 1
        while len(controls) > MAX_CONTROLS:
            del controls[max(controls)]
