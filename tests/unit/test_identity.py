"""The judgement of an input against what the table remembers of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.input.checkpoint import (
    CHECKPOINT_KEY,
    CHECKPOINT_VERSION,
    CheckpointMismatch,
    Found,
    IdentityLost,
    InputCheckpoint,
    Remedy,
    Seen,
    decode_checkpoint,
    encode_checkpoint,
    find_mismatch,
    folded_until,
    fresh_checkpoint,
    is_reserved,
    next_epoch,
    removed_unread,
    value_checksum,
)
from streams.input.skipped import Skipped

ID, OTHER_ID = "zHEBmZv4TLyNPZ/9RKqWYA", "iyHEAvUuSwqDWJM7/nXdUw"
RECORD = Seen(1_780_000_000_000, value_checksum(b"the last record folded"))
MARK = InputCheckpoint(CHECKPOINT_VERSION, ID, 4, 1, 99, RECORD.timestamp_ms, RECORD.checksum, rows=10)
FOUND = Found(topic_id=ID, partitions=4, start=0, end=100, committed=100, rows=10, seen=RECORD)


def found(**changes: object) -> Found:
    return Found(**({name: getattr(FOUND, name) for name in FOUND.__slots__} | changes))


def remedy(checkpoint: InputCheckpoint | None, what: Found, epoch: int = 0) -> Remedy | None:
    finding = find_mismatch(checkpoint, what, epoch)
    return None if finding is None else finding.remedy


# -- marks

checkpoints = st.builds(
    InputCheckpoint,
    version=st.just(CHECKPOINT_VERSION),
    topic_id=st.text(max_size=30),
    partitions=st.integers(1, 10_000),
    epoch=st.integers(0, 2**40),
    offset=st.integers(-1, 2**62),
    timestamp_ms=st.none() | st.integers(-1, 2**50),
    checksum=st.none() | st.integers(0, 2**32 - 1),
    rows=st.integers(0, 2**40),
    skipped=st.builds(
        lambda ranges: Skipped(sum(size for _, size in ranges), tuple((at, at + size) for at, size in ranges)),
        st.lists(st.tuples(st.integers(0, 2**40), st.integers(1, 2**20)), max_size=8),
    ),
    folded_to=st.integers(-1, 2**62),
    norms=st.integers(-1, 2**62),
)


def test_a_mark_of_a_version_that_knew_of_no_jumps_is_read() -> None:
    written = msgspec.msgpack.encode([1, ID, 4, 1, 99, None, None, 10])

    assert decode_checkpoint(written) == InputCheckpoint(CHECKPOINT_VERSION, ID, 4, 1, 99, rows=10)


def test_a_mark_of_a_version_without_norms_says_that_there_was_no_journal() -> None:
    written = msgspec.msgpack.encode(msgspec.msgpack.decode(encode_checkpoint(MARK))[:11])

    assert decode_checkpoint(written) == MARK
    assert MARK.norms == fresh_checkpoint(found(), 1, 10).norms == -1


@given(checkpoints)
def test_a_mark_is_read_as_it_was_written(checkpoint: InputCheckpoint) -> None:
    assert decode_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


@given(st.text())
def test_no_student_has_a_reserved_key(student: str) -> None:
    try:
        key = student.encode()
    except UnicodeEncodeError:
        return  # not to be sent as JSON either
    assert not is_reserved(key)
    assert not is_reserved(b"\x00" + key)
    assert is_reserved(CHECKPOINT_KEY)


@pytest.mark.parametrize("damaged", [b"", b"\x00", b"\x90", b"\x93\x01\xa1x", msgspec.msgpack.encode("mark")])
def test_what_is_no_mark_is_refused_and_not_taken_for_a_fresh_start(damaged: bytes) -> None:
    with pytest.raises(IdentityLost, match="skillstream rebuild"):
        decode_checkpoint(damaged)


def test_a_mark_of_a_later_version_is_refused() -> None:
    later = encode_checkpoint(msgspec.structs.replace(MARK, version=CHECKPOINT_VERSION + 1))

    with pytest.raises(IdentityLost, match="run the version of skillstream that wrote it"):
        decode_checkpoint(later)


def test_a_mark_with_fields_added_behind_is_still_read() -> None:
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(encode_checkpoint(MARK)), "added", 7])

    assert decode_checkpoint(longer) == MARK


# -- what is let through


@given(
    committed=st.none() | st.integers(0, 100),
    more=st.integers(0, 1_000),
    grown=st.integers(0, 50),
    gone=st.integers(0, 200),
    ids=st.sampled_from([(ID, ID), ("", ID), (ID, ""), ("", "")]),
)
def test_the_topic_that_was_folded_passes_wherever_it_has_grown_to_or_been_retained_from(
    committed: int | None, more: int, grown: int, gone: int, ids: tuple[str, str]
) -> None:
    checkpoint = msgspec.structs.replace(MARK, topic_id=ids[0])
    start = min(gone, 100 + more)
    now = found(
        topic_id=ids[1],
        start=start,
        end=100 + more,
        committed=committed,
        rows=10 + grown,
        seen=RECORD if start <= 99 else None,
    )

    assert find_mismatch(checkpoint, now, epoch=0) is None
    assert removed_unread(checkpoint, now) == max(0, start - 100)


@given(start=st.integers(0, 10**6), more=st.integers(0, 10), rows=st.integers(0, 10), epoch=st.integers(0, 5))
def test_a_fresh_mark_lets_its_own_topic_begin(start: int, more: int, rows: int, epoch: int) -> None:
    checkpoint = fresh_checkpoint(found(start=start), epoch, rows)

    assert (
        find_mismatch(checkpoint, found(start=start, end=start + more, committed=start, rows=rows, seen=None), epoch)
        is None
    )


@pytest.mark.parametrize(
    ("checkpoint", "now", "last"),
    [
        (MARK, found(), 99),
        (MARK, found(end=250, committed=200), 199),
        (MARK, found(committed=None), 99),
        (MARK, found(end=60, committed=100), 59),
        (MARK, found(topic_id=OTHER_ID, committed=0), -1),
        (MARK, found(topic_id="", end=60, committed=100), -1),
        (None, found(committed=100), 99),
        (None, found(committed=None), -1),
        (None, found(end=60, committed=100), -1),
        (fresh_checkpoint(found(), 2, 10, folded_to=70), found(committed=0), 70),
    ],
    ids=[
        "all of it",
        "the group is ahead",
        "no group",
        "the topic lost its end",
        "another topic",
        "perhaps another topic",
        "no mark",
        "nothing",
        "no mark, and another topic",
        "rebuilt twice",
    ],
)
def test_a_rebuild_knows_how_far_the_topic_had_been_folded(
    checkpoint: InputCheckpoint | None, now: Found, last: int
) -> None:
    assert folded_until(checkpoint, now) == last
    assert fresh_checkpoint(now, 3, 0, last).folded_to == last


@pytest.mark.parametrize("committed", [None, 0])
def test_a_fresh_start_goes_on(committed: int | None) -> None:
    assert find_mismatch(None, found(committed=committed, rows=0, seen=None), epoch=0) is None


def test_rows_of_a_version_without_marks_go_on() -> None:
    assert find_mismatch(None, found(seen=None), epoch=3) is None


# -- what is refused


def test_another_id_is_another_topic_however_far_it_was_refilled() -> None:
    for end in (0, 50, 100, 10_000):
        assert remedy(MARK, found(topic_id=OTHER_ID, end=end, committed=None)) is Remedy.ADOPT


@given(st.integers(0, 99))
def test_an_input_that_ends_below_what_was_folded_is_refused(end: int) -> None:
    now = found(end=end, committed=None, seen=None)

    assert remedy(MARK, now) is Remedy.REBUILD  # the id is the same: these records are lost
    assert remedy(msgspec.structs.replace(MARK, topic_id=""), now) is Remedy.ADOPT


@given(timestamp=st.integers(0, 2**45), value=st.binary(max_size=20))
def test_another_record_at_the_remembered_offset_is_refused(timestamp: int, value: bytes) -> None:
    other = Seen(timestamp, value_checksum(value))
    now = found(topic_id="", seen=other, end=10_000)

    assert (remedy(MARK, now) is Remedy.ADOPT) == (other != RECORD)


@given(st.integers(0, 9))
def test_fewer_rows_than_were_written_are_refused(rows: int) -> None:
    assert remedy(MARK, found(rows=rows)) is Remedy.REBUILD


@given(st.integers(1, 10**9))
def test_commits_without_a_changelog_are_refused(committed: int) -> None:
    assert remedy(None, found(rows=0, seen=None, committed=committed, end=10**9)) is Remedy.REBUILD


def test_commits_beyond_the_end_are_refused_though_nothing_was_marked() -> None:
    assert remedy(None, found(seen=None, committed=101)) is Remedy.ADOPT
    assert remedy(None, found(seen=None, committed=101, rows=0)) is Remedy.ADOPT


def test_commits_beyond_the_table_are_read_again_where_they_are_retained() -> None:
    assert remedy(MARK, found(end=500, committed=101)) is Remedy.REWIND
    assert remedy(MARK, found(end=500, committed=101, start=100, seen=None)) is Remedy.REWIND
    assert remedy(MARK, found(end=500, committed=102, start=101, seen=None)) is Remedy.REBUILD


def test_another_partition_count_is_refused() -> None:
    for partitions in (2, 8):
        assert remedy(MARK, found(partitions=partitions)) is Remedy.REBUILD


def test_an_epoch_raised_by_hand_is_refused_and_one_left_behind_is_not() -> None:
    assert remedy(MARK, FOUND, epoch=2) is Remedy.UNSET_EPOCH
    assert remedy(MARK, FOUND, epoch=1) is None
    assert remedy(MARK, FOUND, epoch=0) is None


def test_the_next_epoch_is_beyond_all_that_are_known() -> None:
    assert next_epoch([]) == 1
    assert next_epoch([0, 3, 1]) == 4


@pytest.mark.parametrize("each", Remedy)
def test_a_finding_says_what_to_do(each: Remedy) -> None:
    assert each.value in str(CheckpointMismatch("something is wrong", each))


def test_what_retention_took_before_it_was_read_is_counted_without_a_mark_too() -> None:
    assert removed_unread(None, found(committed=90, start=95, seen=None)) == 5
    assert removed_unread(None, found(committed=None, start=95, seen=None)) == 0
