"""The audit trail's chains: what is changed, removed, put between or put elsewhere shows, and where."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.audit.chain import AuditedAct, HashChain
from agents.audit.verification import ChainVerification, StoredAudit
from schemas.audit import MOST_ABOUT, AuditActor, NewestRecord, encode_audit_record, read_audit_record
from schemas.errors import InvalidInput

ALL = "aaababbaab"
"""Two writers' records, in the order of the topic."""
WHO = AuditActor("reader", "9d2f41aa:0b5c2e8f7a6d4c3b2a1908f7e6d5c4b3")


def act(minute: int = 0) -> AuditedAct:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(minutes=minute)
    return AuditedAct(at=at, action="read_scores", who=WHO, outcome="answered")


def written(writers: str = ALL, signed: bool | None = None) -> list[StoredAudit]:
    """Their records: each begins its chain when it first writes."""
    chains: dict[str, HashChain] = {}
    records: list[StoredAudit] = []
    for offset, name in enumerate(writers):
        newest = NewestRecord(offset - 1, digest(records[-1])) if records else None
        chain = chains.setdefault(name, HashChain(name * 32, newest))
        records.append(StoredAudit(offset, chain.writer.encode(), chain.link(act(offset)), signed))
    return records


def digest(record: StoredAudit) -> str:
    return sha256(record.value or b"").hexdigest()


def faults(records: Sequence[StoredAudit], first_offset: int = 0) -> list[tuple[int, str]]:
    verification = ChainVerification(first_offset)
    found = list(verification.begin())
    for record in records:
        found += verification.add(record)
    return [(fault.offset, fault.kind) for fault in found]


def edited(record: StoredAudit, **changes: object) -> StoredAudit:
    """As somebody would change it who has no key; judged so where signatures are."""
    changed = msgspec.structs.replace(read_audit_record(record.value or b""), **changes)
    return replace(record, value=encode_audit_record(changed), is_signed=record.is_signed and False)


@pytest.mark.parametrize("signed", [None, True])
def test_chains_as_they_were_written_have_no_fault(signed: bool | None) -> None:
    assert faults(written(signed=signed)) == []


def test_a_record_that_is_changed_does_not_lead_to_the_next() -> None:
    records = written()
    records[1] = edited(records[1], outcome="erased")

    assert faults(records) == [(2, "changed")]


def test_where_signatures_are_judged_the_changed_record_itself_is_named_a_last_one_too() -> None:
    records = written(signed=True)
    records[1], records[9] = edited(records[1], outcome="erased"), edited(records[9], outcome="erased")

    assert faults(records) == [(1, "forged"), (2, "missing"), (9, "forged")]


def test_a_record_that_is_removed_is_missed_by_the_next_of_its_writer() -> None:
    records = written()
    del records[4]

    assert faults(records) == [(7, "missing")]


def test_the_first_record_of_a_chain_is_missed_by_the_second() -> None:
    assert faults(written()[1:]) == [(1, "missing")]


def test_what_is_gone_from_the_start_of_the_topic_is_missed() -> None:
    assert faults(written()[3:], first_offset=3)[0] == (3, "missing")


def test_records_that_changed_places_are_named() -> None:
    records = written()
    records[0], records[1] = replace(records[1], offset=0), replace(records[0], offset=1)

    assert (1, "reordered") in faults(records)


def test_a_record_put_between_takes_the_place_of_another() -> None:
    records = written()
    records.insert(2, edited(records[2], outcome="unknown"))
    records = [replace(record, offset=offset) for offset, record in enumerate(records)]

    found = faults(records)

    assert (3, "inserted") in found


def test_a_record_that_nobody_signed_breaks_no_chain_and_is_named() -> None:
    records = written(signed=True)
    records.append(replace(edited(records[9], sequence=7), offset=10))

    assert faults(records) == [(10, "forged")]


def test_what_is_no_record_is_named() -> None:
    others = [StoredAudit(10, None, b"{}"), StoredAudit(11, b"x", None), replace(written()[9], offset=12, key=b"x")]

    assert faults([*written(), *others]) == [(10, "unreadable"), (11, "unreadable"), (12, "changed")]


def test_a_record_that_is_there_twice_the_same_is_no_fault() -> None:
    records = written()

    assert faults([*records, *(replace(record, offset=record.offset + 10) for record in records[-3:])]) == []


def test_a_sequence_far_ahead_is_no_part_of_the_chain() -> None:
    records = written()
    records.append(replace(edited(records[9], sequence=2**60), offset=10))

    assert faults(records) == [(10, "inserted")]


def test_an_end_that_was_cut_off_shows_by_a_later_writer_and_by_a_kept_anchor_and_not_by_itself() -> None:
    records = written("aaaaab")
    cut = [record for record in records if record.offset != 4]
    anchor = NewestRecord(4, digest(records[4]))

    assert faults(cut[:4]) == []
    assert faults(cut) == [(5, "missing")]
    for kept, there in ((records, True), (cut, False), (cut[:4], False)):
        verification = ChainVerification()
        for record in kept:
            list(verification.add(record))
        assert verification.has(anchor) is there


@given(st.sets(st.integers(0, len(ALL) - 1), min_size=1))
def test_whatever_is_removed_but_an_end_shows(gone: set[int]) -> None:
    left = [record for record in written() if record.offset not in gone]
    names = {name: [offset for offset, each in enumerate(ALL) if each == name] for name in "ab"}
    only_ends = all(
        {offset for offset in offsets if offset in gone} == set(offsets[len(offsets) - len(gone & set(offsets)) :])
        for offsets in names.values()
    )
    b_saw = ALL.index("b") - 1
    is_seen = b_saw in gone and ALL.index("b") not in gone

    assert bool(faults(left)) is (not only_ends or is_seen)


@given(st.sampled_from([offset for offset, name in enumerate(ALL) if name in ALL[offset + 1 :]]), st.data())
def test_whatever_byte_is_changed_of_a_record_that_is_not_its_writer_s_last_shows(
    offset: int, data: st.DataObject
) -> None:
    records = written()
    value = bytearray(records[offset].value or b"")
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] ^= data.draw(st.integers(1, 255))
    records[offset] = replace(records[offset], value=bytes(value))

    assert faults(records) != []


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[" * 60_000,
        b"[" * 100_000,
        b"{" + b" " * 100_000 + b"}",
        encode_audit_record(read_audit_record(written()[0].value or b"")).replace(b'"version":1', b'"version":2'),
        (written()[0].value or b"").replace(b"read_scores", b"Read \\u001b"),
        (written()[0].value or b"").replace(b"09:00:00Z", b"09:00:00"),
    ],
)
def test_what_is_no_record_of_this_version_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_audit_record(value)
    assert refused.value.reason == "not_an_audit_record"


def test_a_record_about_as_many_as_there_may_be_is_read() -> None:
    about = tuple(f"{number:08x}:{number:032x}" for number in range(MOST_ABOUT))
    value = HashChain("a" * 32, None).link(replace(act(), about=about))

    assert read_audit_record(value).about == about
