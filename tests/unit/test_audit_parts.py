"""What an audit rests on: the ledger, the dead letters that it settles, and the halves of a slice of students."""

from functools import partial

import msgspec

from schemas.dead_letter import DeadLetter, to_headers
from streams.input.signature import HeaderKeys
from streams.replay import FileRecord
from streams.verification.dead_letters import DeadLetterBook
from streams.verification.ledger import Entry, EntryLedger
from streams.verification.slices import Slice
from streams.verification.students import Extent
from tests.events import record, stored_dead_letter
from tests.unit.verified import again


def test_a_ledger_larger_than_its_memory_settles_as_one_within() -> None:
    for memory_bytes in (1, 1 << 24):
        with EntryLedger(memory_bytes) as ledger:
            for offset in range(0, 200_000, 37):
                ledger.expect(Entry((1, offset, 0), b"x", 2))
                if offset != 37 * 1_000:
                    ledger.find(Entry((1, offset, 0), b"y" if offset == 37 * 2_000 else b"x", 2))
            ledger.find(Entry((1, 0, 0), b"x", 2))
            ledger.find(Entry((1, 5, 0), b"x", 2))
            found = sorted((mismatch.how, mismatch.entry.about[1]) for mismatch in ledger.settle())

            assert found == [("changed", 37 * 2_000), ("missing", 37 * 1_000), ("unexpected", 5)]
            assert (ledger.repeats, ledger.expected) == (1, len(range(0, 200_000, 37)))


def test_dead_letters_are_matched_by_place_bytes_and_epoch() -> None:
    extent = Extent(partition=0, start=10, cut=100, epoch=1)
    dead_letter = partial(stored_dead_letter, epoch=1)
    large, small = record(b"v" * 50, 20, key=b"k"), record(b"<xml/>", 30)
    expected = [(large, dead_letter(large)), (small, dead_letter(small)), (small, dead_letter(small))]

    def settled(*found: tuple[FileRecord, DeadLetter]) -> list[tuple[str, int]]:
        with EntryLedger(1) as ledger:
            book = DeadLetterBook("student-activity", 20, ledger, HeaderKeys().hashes_of)
            book.expect(expected)
            book.find([again(each, headers=to_headers(dead_letter)) for each, dead_letter in found], extent)
            return sorted((mismatch.how, mismatch.entry.about[1]) for mismatch in ledger.settle())

    cut_off = again(large, value=b"v" * 19)
    assert settled((cut_off, dead_letter(large)), (small, dead_letter(small))) == []
    assert settled((cut_off, dead_letter(large)), (small, dead_letter(small, epoch=0))) == [("missing", 30)]
    assert settled((cut_off, dead_letter(large)), (record(b"<xml>"), dead_letter(small))) == [("changed", 30)]
    before, beyond = record(b"?", 9), record(b"?", 100)
    right = [(cut_off, dead_letter(large)), (small, dead_letter(small))]
    assert settled(*right, (before, dead_letter(before)), (beyond, dead_letter(beyond))) == []
    other = msgspec.structs.replace(dead_letter(small), offset=31)
    assert settled(*right, (small, other)) == [("unexpected", 31)]


def test_every_student_is_in_one_of_two_halves() -> None:
    whole = [f"s{number}".encode() for number in range(500)]
    left, right = Slice(2, 1).halves()
    both = [student for student in whole if Slice(2, 1).contains(student)]

    assert 60 < len(both) < 200
    assert [left.contains(student) + right.contains(student) for student in both] == [1] * len(both)
