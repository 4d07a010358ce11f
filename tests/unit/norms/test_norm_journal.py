"""The journal of norms: at any cut of the log its sums are those of the rows before it."""

from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.input.checkpoint import CHECKPOINT_VERSION, InputCheckpoint
from streams.norms.first_answers import NO_FIRST_ANSWERS, AnswersOfRows, NamedItem
from streams.norms.journal import GROUP_BYTES, Journaled, NormJournal
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES, SLOTS, entry_key, is_of_journal, page_key
from streams.norms.journal_records import JournalDamaged
from streams.norms.layout import RIGHT, WRONG, pack_answer
from tests.unit.norms.reference_sums import answers as answers_of
from tests.unit.norms.reference_sums import as_plain, reference_of, totals_of

MOST = 1_000 * PAGES
NO_ROWS: Mapping[bytes, bytes | None] = {}


def checkpoint_at(offset: int, norms: int, epoch: int = 0) -> InputCheckpoint:
    return InputCheckpoint(CHECKPOINT_VERSION, "id", 1, epoch, offset, norms=norms)


class Step:
    """A step's rows and their answers: (items, students by number) of each row."""

    def __init__(self, generator: np.random.Generator, rows: int, items: int, row_bytes: int = 100) -> None:
        counts = generator.integers(0, 5, rows).tolist()
        self.rows: dict[bytes, bytes | None] = {b"s%d" % at: bytes(row_bytes) for at in range(rows)}
        said = [
            (int(generator.integers(items)), pack_answer(RIGHT if at % 3 else WRONG, at % 100 / 100), row % 500, 1)
            for row, count in enumerate(counts)
            for at in range(count)
        ]
        slices = list(zip([0, *accumulate(counts)], accumulate(counts), strict=False))
        of = {key: each for key, each in zip(self.rows, slices, strict=True) if each[0] != each[1]}
        names = [NamedItem(item, item % 3, 0, f"item {item}") for item in dict.fromkeys(each[0] for each in said)]
        self.answers = AnswersOfRows(answers_of(*said), of, names)

    def of_rows(self, start: int, end: int, time_s: int) -> JournalEntry:
        """What the rows from `start` to before `end` answered."""
        chosen = [self.answers.of[key] for key in list(self.rows)[start:end] if key in self.answers.of]
        return JournalEntry(time_s, np.concatenate([answers_of(), *(self.answers.answers[a:b] for a, b in chosen)]))


class Log:
    """A changelog: groups of records, each with what its rows answered; a cut is after a group."""

    def __init__(self) -> None:
        self.groups: list[Mapping[bytes, bytes]] = []
        self.answered: list[JournalEntry] = []
        self.steps = 0

    def append(self, journal: NormJournal, step: Step) -> Journaled:
        time_s = 1_000 + self.steps
        self.steps += 1
        journaled = journal.group(step.rows, step.answers, time_s)
        start = 0
        for group in journaled.groups:
            self.groups.append(group.records)
            self.answered.append(step.of_rows(start, start + group.rows, time_s))
            start += group.rows
        assert start == (len(step.rows) if journaled.groups else 0), "all rows are in a group, in their order"
        return journaled

    def held(self, cut: int) -> dict[bytes, bytes]:
        """The last record of each key before a cut: the same before and after compaction."""
        return {key: value for group in self.groups[:cut] for key, value in group.items()}

    def sums(self, cut: int) -> dict[int, dict[str, int]]:
        """By a loop over all that was answered before a cut."""
        return totals_of(reference_of(self.answered[:cut]))


def restored(log: Log, cut: int, most_items: int = MOST) -> NormJournal:
    return NormJournal.restore(log.held(cut), None, 0, most_items)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 60), min_size=1, max_size=60), st.sampled_from([3, 400]))
def test_sums_at_any_cut_of_the_log_are_those_of_the_rows_before_it(seed: int, sizes: list[int], items: int) -> None:
    generator = np.random.default_rng(seed)
    log, journal = Log(), NormJournal.restore({}, None, 0, MOST)
    for size in sizes:
        log.append(journal, Step(generator, size, items, row_bytes=int(generator.choice([100, 100_000]))))
    assert as_plain(journal.sums()) == log.sums(len(log.groups))

    cut = int(generator.integers(0, len(log.groups) + 1))
    again = restored(log, cut)
    assert as_plain(again.sums()) == log.sums(cut)
    assert again.number == sum(any(map(is_of_journal, group)) for group in log.groups[:cut]) - 1


def test_a_restored_journal_goes_on_as_if_nothing_had_happened() -> None:
    generator = np.random.default_rng(3)
    log, journal = Log(), NormJournal.restore({}, None, 0, MOST)
    steps = [Step(generator, 30, 400) for _ in range(90)]
    for step in steps[:40]:
        log.append(journal, step)
    again = restored(log, len(log.groups))
    for step in steps[40:]:
        log.append(journal, step)
        assert again.group(step.rows, step.answers, 1_000 + log.steps - 1).number == journal.number

    assert again.sums().records.tobytes() == journal.sums().records.tobytes()
    assert again.sums().names_by_item() == journal.sums().names_by_item()


def test_a_slot_is_used_again_only_when_all_pages_hold_it() -> None:
    generator = np.random.default_rng(1)
    log, journal = Log(), NormJournal.restore({}, None, 0, MOST)
    everything = Step(generator, 400, 4 * PAGES)
    log.append(journal, everything)
    for _ in range(SLOTS + 40):
        log.append(journal, Step(generator, 2, PAGES))

    for cut in (SLOTS - 1, SLOTS, SLOTS + 1, SLOTS + 17, len(log.groups)):
        held = log.held(cut)
        assert as_plain(NormJournal.restore(held, None, 0, MOST).sums()) == log.sums(cut)
        assert sum(entry_key(0) == key for key in held) == 1


def test_the_first_step_says_where_the_journal_begins_though_nothing_was_answered() -> None:
    journal = NormJournal.restore({}, checkpoint_at(41, norms=-1), 7, MOST)
    rows: dict[bytes, bytes | None] = {b"a": b"row", b"b": None}
    [group], number = journal.group(rows, NO_FIRST_ANSWERS, 5)

    assert (group.rows, list(group.records), number) == (2, [entry_key(0)], 0)
    again = NormJournal.restore(group.records, checkpoint_at(50, norms=0, epoch=7), 7, MOST)
    assert (again.epoch, again.begin, again.since_s, again.number) == (7, 41, 5, 0)
    assert journal.group(rows, NO_FIRST_ANSWERS, 6) == ((), 0), "nothing is said of steps without answers"


def test_a_first_step_without_rows_has_an_entry_too() -> None:
    [group], _ = NormJournal.restore({}, None, 0, MOST).group(NO_ROWS, NO_FIRST_ANSWERS, 5)

    assert (group.rows, list(group.records)) == (0, [entry_key(0)])


def test_groups_are_no_larger_than_a_record_batch() -> None:
    generator = np.random.default_rng(5)
    journal = NormJournal.restore({}, None, 0, MOST)
    for size in (3, 700, 9_000):
        step = Step(generator, 900, 5_000, row_bytes=size)
        start = 0
        for group in journal.group(step.rows, step.answers, 1).groups:
            rows = list(step.rows.items())[start : start + group.rows]
            start += group.rows
            size_bytes = sum(len(key) + len(value or b"") for key, value in [*rows, *group.records.items()])
            assert size_bytes <= GROUP_BYTES + 200


def test_answers_of_rows_that_are_not_there_are_refused() -> None:
    step = Step(np.random.default_rng(5), 10, 5)
    with pytest.raises(ValueError, match="first answers"):
        NormJournal.restore({}, None, 0, MOST).group(NO_ROWS, step.answers, 1)


# -- where a journal begins


def begun(steps: int = 3, begin: int = -1) -> tuple[Log, NormJournal]:
    generator = np.random.default_rng(2)
    log, journal = Log(), NormJournal.restore({}, checkpoint_at(begin, norms=-1), 0, MOST)
    for _ in range(steps):
        log.append(journal, Step(generator, 20, 50))
    return log, journal


def test_a_worker_of_before_in_between_begins_anew() -> None:
    log, journal = begun(steps=40)
    anew = NormJournal.restore(log.held(40), checkpoint_at(100, norms=-1), 0, MOST)
    assert (anew.begin, anew.number, len(anew.sums())) == (100, -1, 0)

    step = Step(np.random.default_rng(9), 20, 50)
    held = {**log.held(40), **anew.group(step.rows, step.answers, 9).groups[0].records}
    again = NormJournal.restore(held, checkpoint_at(120, norms=0), 0, MOST)
    assert again.sums().records.tobytes() == anew.sums().records.tobytes()
    assert journal.number == 39


def test_a_journal_that_the_interrupted_step_began_goes_on() -> None:
    log, journal = begun(steps=1, begin=100)
    again = NormJournal.restore(log.held(1), checkpoint_at(100, norms=-1), 0, MOST)

    assert (again.number, as_plain(again.sums())) == (0, as_plain(journal.sums()))


def test_sums_stay_where_another_topic_was_adopted() -> None:
    log, journal = begun()
    again = NormJournal.restore(log.held(3), checkpoint_at(-1, norms=2, epoch=1), 1, MOST)

    assert (again.epoch, again.number, as_plain(again.sums())) == (0, 2, as_plain(journal.sums()))


def test_a_journal_of_a_former_epoch_does_not_go_on_unnoted() -> None:
    log, _ = begun()
    anew = NormJournal.restore(log.held(3), checkpoint_at(-1, norms=-1, epoch=1), 1, MOST)

    assert (anew.epoch, anew.number, len(anew.sums())) == (1, -1, 0)


# -- names


def test_an_item_is_named_once_for_each_course() -> None:
    journal = NormJournal.restore({}, None, 0, MOST)
    step = Step(np.random.default_rng(4), 200, 20)
    lengths = [len(journal.group(step.rows, step.answers, 1).groups[0].records[entry_key(at)]) for at in range(40)]

    assert lengths[1] < lengths[0]
    assert set(lengths[1:]) == {lengths[1]}
    assert journal.sums().names_by_item() == {item: f"item {item}".encode() for item in range(20)}


def test_an_item_that_was_displaced_is_named_anew() -> None:
    journal = NormJournal.restore({}, None, 0, PAGES)
    for at in range(100):
        item = PAGES * (1 + at % 2) if at < 50 else PAGES
        said = AnswersOfRows(answers_of((item, 0, 1, 1)), {b"a": (0, 1)}, [NamedItem(item, 0, 0, f"item {item}")])
        journal.group({b"a": b""}, said, at)

    sums = journal.sums()
    assert sums.names_by_item() == {PAGES: b"item 64"}
    assert journal.given_up > 0


@pytest.mark.parametrize("cut", [1, 17, 900, 1_100])
def test_what_was_given_up_is_the_same_after_a_restart(cut: int) -> None:
    generator = np.random.default_rng(8)
    log, journal = Log(), NormJournal.restore({}, None, 0, 2 * PAGES)
    for _ in range(cut):
        log.append(journal, Step(generator, 4, 5_000))
    again = restored(log, cut, most_items=2 * PAGES)

    assert again.sums().records.tobytes() == journal.sums().records.tobytes()
    assert again.given_up == journal.given_up


# -- damage


def damaged(held: Mapping[bytes, bytes], key: bytes, how: str) -> dict[bytes, bytes]:
    value = held[key]
    changed = {
        "cut": value[:-3],
        "short": value[:20],
        "empty": b"",
        "a bit": value[:50] + bytes([value[50] ^ 1]) + value[51:],
        "longer": value + b"\0",
        "version": b"\x09" + value[1:],
        "foreign": b'{"an": "other record, that is long enough to have a header, and then some more bytes of it"}',
        "another": held[entry_key(1)],
    }
    return {**held, key: changed[how]}


@pytest.mark.parametrize("how", ["cut", "short", "empty", "a bit", "longer", "version", "foreign", "another"])
@pytest.mark.parametrize("key", [entry_key(0), entry_key(18), page_key(1)])
def test_a_damaged_or_foreign_record_is_refused_with_what_to_do(how: str, key: bytes) -> None:
    log, _ = begun(steps=40)
    with pytest.raises(JournalDamaged, match="What to do"):
        NormJournal.restore(damaged(log.held(40), key, how), checkpoint_at(9, norms=39), 0, MOST)


def test_a_journal_that_lacks_entries_is_refused() -> None:
    log, _ = begun(steps=40)
    held = log.held(40)
    for lost in ({entry_key(20)}, {entry_key(39)}, set(held)):
        rest = {key: value for key, value in held.items() if key not in lost}
        with pytest.raises(JournalDamaged, match="entr"):
            NormJournal.restore(rest, checkpoint_at(9, norms=39), 0, MOST)


def test_a_damaged_journal_is_left_behind_once_a_worker_without_one_has_folded() -> None:
    log, _ = begun(steps=40)
    held = damaged(log.held(40), page_key(1), "a bit")
    anew = NormJournal.restore(held, replace(checkpoint_at(9, norms=-1), rows=3), 0, MOST)

    assert (anew.begin, anew.number) == (9, -1)
