"""The first answers of a batch to items: what the sums of norms are made of (`streams.norms`). The rules, in one place.

    attempt ──tried before, be it that an open failure says so?──► not counted
            ──known to have taken less than RAPID_GUESS_S?───────► not counted
            ──else──► score, time; right if passed without a hint, else wrong (as `streams.folding.answers` has it)
    submission ──► score and days early, where it has them; without either it is not counted
    mark ──► score

An item that is not known (NO_ITEM) has none. Late events count as others do. A void takes back what the row keeps of
its event (`streams.folding.voidable`): to the bit what was added.

A batch of few is read event by event, one of many off its facts as columns, to the same bits.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter, sub
from typing import Final, NamedTuple, cast
from zlib import crc32

import numpy as np

from schemas.event import NO_ITEM, Attempt, Mark, NativeEvent, Submission
from streams.folding.answers import RAPID_GUESS_S, value_of_answer
from streams.folding.facts import Facts, Kinds
from streams.norms.first_answers import AnswersOfRows, NamedItem
from streams.norms.layout import FIRST_ANSWER, RIGHT, WORK, WRONG, item_code, pack_answer, pack_answers
from streams.rows.layout import Array, Indices
from streams.rows.segments import StoredKey
from streams.vocabulary import FACTS, Fact

_LOG_RAPID_GUESS: Final = math.log1p(RAPID_GUESS_S)
_FEW: Final = 128
"""So many are cheaper one by one: 1 us each, and together 200 us for any number and some for each."""
_UNNAMED: Final = -1
_REMEMBERED: Final = 16_384
"""The same items come in batch after batch."""
_READ: Final = (
    Fact.ATTEMPTED,
    Fact.PASSED,
    Fact.RETRIED,
    Fact.HINTED,
    Fact.WORKED,
    Fact.MARKED,
    Fact.EARLY,
    Fact.LATE,
)
_COLUMNS: Final = np.full(len(FACTS), len(_READ))
_COLUMNS[list(_READ)] = np.arange(len(_READ))


@dataclass(frozen=True, slots=True)
class FirstAnswers:
    """First answers by event, ascending: `packed` is what each says, `named` which of `items` it is to."""

    event: Indices
    packed: Array
    named: Indices
    items: Sequence[NamedItem]

    @property
    def codes(self) -> Array:
        """The codes of their items."""
        return np.array([item.item for item in self.items], np.uint64)[self.named]

    def of(self, chosen: Array | None) -> "FirstAnswers":
        """As `Entries.of`."""
        if chosen is None or not len(self.event):
            return self
        there = self.where(chosen[self.event])
        return replace(there, event=(np.cumsum(chosen) - 1)[there.event])

    def where(self, mask: Array) -> "FirstAnswers":
        """Those of a mask."""
        return replace(self, event=self.event[mask], packed=self.packed[mask], named=self.named[mask])


class FirstAnswerTaken(NamedTuple):
    """A first answer that a void took back, which comes before the new event number `before`."""

    row: int
    before: int
    item: int
    packed: int


@dataclass(frozen=True, slots=True)
class AnswersByRow:
    """What rows have to tell of items (FIRST_ANSWER), each row's in order. `named` is which of `items` each is of;
    _UNNAMED where it was taken back.
    """

    row: Indices
    answers: Array
    named: Indices
    items: Sequence[NamedItem]


NO_FIRST_ANSWERS_OF_EVENTS: Final = FirstAnswers(np.empty(0, np.intp), np.empty(0, np.uint32), np.empty(0, np.intp), ())


class _Items(dict[tuple[str, str | None, tuple[str, ...] | None], int]):
    """By item, course and components, the index of an item among those met so far; _UNNAMED of one not known."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[NamedItem] = []

    def __missing__(self, key: tuple[str, str | None, tuple[str, ...] | None]) -> int:
        item = _item_of(*key)
        self[key] = index = _UNNAMED if item is None else len(self.found)
        if item is not None:
            self.found.append(item)
        return index


def first_answers_of(events: Sequence[NativeEvent], kinds: Kinds, facts: Facts, again: Collection[int]) -> FirstAnswers:
    """Those among the events, of which `facts` are all. `again` are the numbers of attempts behind an open failure."""
    numbers = sorted([*kinds.get(Attempt, ()), *kinds.get(Submission, ()), *kinds.get(Mark, ())])
    event, packed = _at_once(facts, len(events)) if len(numbers) > _FEW else _one_by_one(events, numbers, again)
    named, items = _named(events, event)
    if not items:
        return NO_FIRST_ANSWERS_OF_EVENTS
    answers = FirstAnswers(event, packed, np.array(named, np.intp), items)
    return answers.where(answers.named != _UNNAMED) if _UNNAMED in named else answers


def _one_by_one(events: Sequence[NativeEvent], numbers: Sequence[int], again: Collection[int]) -> tuple[Indices, Array]:
    """Which of the events with these numbers say something of their item, and what, packed."""
    said: dict[int, int] = {}
    for number in numbers:
        event = events[number]
        if isinstance(event, Attempt):
            value = None if number in again else value_of_answer(event)
            if value is not None:
                said[number] = pack_answer(RIGHT if value else WRONG, event.score, event.duration_s)
        elif isinstance(event, Submission) and event.due is not None:
            said[number] = pack_answer(WORK, event.score, None, (event.due - event.time).total_seconds())
        elif isinstance(event, Submission | Mark) and event.score is not None:
            said[number] = pack_answer(WORK, event.score)
    return np.array([*said], np.intp), np.array([*said.values()], np.uint32)


def _at_once(facts: Facts, events: int) -> tuple[Indices, Array]:
    """The same of so many events, off their facts as columns."""
    said = np.full((len(_READ) + 1, events), np.nan)
    said[_COLUMNS[facts.fact], facts.event] = facts.value
    known = ~np.isnan(said)
    attempted, passed, again, hinted, _, marked, early, late = known[:-1]
    is_rapid = said[_COLUMNS[Fact.WORKED]] < _LOG_RAPID_GUESS
    event = (attempted & ~again & ~is_rapid | marked | early | late).nonzero()[0]
    score, _, _, _, log_seconds, score_of_work, days_early, days_late, _ = said[:, event]
    kind = np.where(attempted, np.where(passed & ~hinted, RIGHT, WRONG), WORK)[event]
    return event, pack_answers(kind, np.fmax(score, score_of_work), log_seconds, np.fmax(days_early, -days_late))


def answers_by_row(first: FirstAnswers, row_index: Indices, retracted: Sequence[FirstAnswerTaken] = ()) -> AnswersByRow:
    """These, and those that were taken back in between; `row_index` is by event."""
    answers = np.zeros(len(first.event), FIRST_ANSWER)
    answers["item"], answers["answer"], answers["sign"] = first.codes, first.packed, 1
    found = AnswersByRow(row_index[first.event], answers, first.named, first.items)
    if not retracted:
        return found
    row, before, item, packed = np.array(retracted, np.int64).T
    taken = np.zeros(len(row), FIRST_ANSWER)
    taken["item"], taken["answer"], taken["sign"] = item, packed, -1
    order = np.argsort(np.append(first.event * 2 + 1, before * 2), kind="stable")
    return AnswersByRow(
        np.append(found.row, row)[order],
        np.append(answers, taken)[order],
        np.append(first.named, np.full(len(row), _UNNAMED))[order],
        first.items,
    )


def in_turn(rounds: Sequence[AnswersByRow]) -> AnswersByRow:
    """Those of several rounds of one batch, one after the other."""
    indices: dict[NamedItem, int] = {}
    named = [
        np.array([*(indices.setdefault(item, len(indices)) for item in each.items), _UNNAMED])[each.named]
        for each in rounds
    ]
    row, answers = np.concatenate([each.row for each in rounds]), np.concatenate([each.answers for each in rounds])
    return AnswersByRow(row, answers, np.concatenate(named), list(indices))


def answers_of_partitions(said: AnswersByRow, keys: Sequence[StoredKey]) -> Mapping[int, AnswersOfRows]:
    """By partition those of its rows. The rows' `keys` are in the order of their partitions."""
    if not len(said.row):
        return {}
    order = np.argsort(said.row, kind="stable")
    row, answers, named = said.row[order], said.answers[order], said.named[order]
    begins = [0, *((row[1:] != row[:-1]).nonzero()[0] + 1).tolist()]
    ends = [*begins[1:], len(row)]
    students = [keys[index] for index in row[begins].tolist()]
    codes = np.array([crc32(key) & 0xFFFF for _, key in students], np.uint16)
    answers["student"] = codes if len(codes) == len(row) else codes.repeat(list(map(sub, ends, begins)))
    found, at = {}, 0
    for partition, some in groupby(students, itemgetter(0)):
        theirs = [key for _, key in some]
        first, after = begins[at], at + len(theirs)
        last = ends[after - 1]
        slices = zip(_after(first, begins[at:after]), _after(first, ends[at:after]), strict=True)
        items = [said.items[index] for index in sorted({*named[first:last].tolist()}) if index != _UNNAMED]
        found[partition] = AnswersOfRows(answers[first:last], dict(zip(theirs, slices, strict=True)), items)
        at = after
    return found


def _named(events: Sequence[NativeEvent], event: Indices) -> tuple[Sequence[int], Sequence[NamedItem]]:
    """Which items the events with these numbers are of, and these; _UNNAMED where it is not known."""
    items = _Items()
    chosen = cast(Iterable[Attempt | Submission | Mark], map(events.__getitem__, event.tolist()))
    named = [items[each.item_id, each.course_id, each.kcs if type(each) is Attempt else None] for each in chosen]
    return named, items.found


def _after(first: int, values: Sequence[int]) -> Sequence[int]:
    return [value - first for value in values] if first else values


@lru_cache(_REMEMBERED)
def _item_of(name: str, course: str | None, components: tuple[str, ...] | None) -> NamedItem | None:
    if name.startswith(NO_ITEM):
        return None
    component = components[0] if components else None
    return NamedItem(item_code(name), _code_of(course), _code_of(component), name)


def _code_of(name: str | None) -> int:
    return 0 if name is None else crc32(name.encode())
