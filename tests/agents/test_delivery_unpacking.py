"""What leaves the fetcher: every codec's records, and one in place of what nobody can unpack."""

import tracemalloc
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.aiokafka import fetching
from agents.kafka.connection import CODECS, Compression
from agents.kafka.errors import DamagedBatch
from agents.kafka.unpacking import CheckedBatches, SlimRecord, SlimRecords
from schemas.dialects import decode
from schemas.unreadable import UnreadableBatch
from tests.agents.record_batches import NOW_MS, garbled, of_codec, packed, sealed, with_header_names_of

VALUES = [b"one " * 9, b"two " * 9, b"three " * 9]
HEADERS_AT = 61


def fetched(*batches: bytes, start: int = 0, aborted: Sequence[tuple[int, int]] = ()) -> SlimRecords:
    """A fetch from `start`, of `batches` as a broker gives them out; `aborted`: producers, and from which offset on."""
    taken = CheckedBatches(b"".join(batches))
    return SlimRecords(TopicPartition("events", 2), taken, list(aborted), start, None, None, True, 1)


def read(*batches: bytes, start: int = 0) -> list[SlimRecord]:
    return list(fetched(*batches, start=start))


@pytest.mark.parametrize("codec", CODECS)
def test_records_of_every_codec_are_read(codec: Compression) -> None:
    found = read(packed(VALUES, codec), packed(VALUES, codec, first=3))

    assert [record.value for record in found] == VALUES * 2
    assert [record.offset for record in found] == [*range(6)]
    assert {(record.key, record.timestamp, record.headers) for record in found} == {(b"k", NOW_MS, ())}


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
def test_a_batch_that_cannot_be_decompressed_is_one_record_and_those_around_it_are_read(codec: Compression) -> None:
    bad = garbled(packed(VALUES, codec, first=3))

    found = read(packed(VALUES), bad, packed(VALUES, codec, first=6))

    assert [record.offset for record in found] == [0, 1, 2, 5, 6, 7, 8]
    stand_in = found[3].value
    assert isinstance(stand_in, UnreadableBatch)
    assert stand_in == bad
    assert stand_in.why.startswith(f"a record batch of offsets 3 to 5, compression {codec}, cannot be unpacked: ")
    assert (found[3].key, found[3].timestamp) == (None, NOW_MS)


def test_an_unknown_codec_is_named_by_its_number() -> None:
    [record] = read(of_codec(packed(VALUES), 6))

    assert isinstance(record.value, UnreadableBatch)
    assert "compression 6, which is unknown" in record.value.why


def test_a_commit_behind_what_stands_for_a_batch_passes_the_whole_batch() -> None:
    fetch = fetched(garbled(packed(VALUES, "zstd", first=3)), start=3)

    assert [record.offset for record in fetch] == [5]
    assert fetch.next_fetch_offset == 6


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
def test_a_batch_that_would_become_too_large_is_one_record_and_is_not_unpacked(
    codec: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CheckedBatches, "most_bytes", 10_000_000)
    bomb = packed([b"\0" * 10_000_000], codec, first=3)
    assert len(bomb) < 600_000

    tracemalloc.start()
    found = read(packed(VALUES), bomb, packed([b"next"], codec, first=4))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [record.offset for record in found] == [0, 1, 2, 3, 4]
    assert isinstance(found[3].value, UnreadableBatch)
    assert "it may become 1" in found[3].value.why
    assert "10,000,000 are allowed" in found[3].value.why
    assert most < 8_000_000


@pytest.mark.parametrize("is_aborted", [True, False])
def test_a_batch_that_cannot_be_unpacked_is_passed_over_where_its_transaction_was_aborted(
    is_aborted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CheckedBatches, "most_bytes", 1_000)
    large = packed([b"x" * 10_000] * 2, "zstd", first=3, transaction_of=7)
    bad = garbled(packed(VALUES, "zstd", first=5, transaction_of=7))

    records = fetched(packed(VALUES), large, bad, packed(VALUES, first=8), aborted=[(7, 3)] if is_aborted else [])
    found = [record.offset for record in records]

    assert found == ([0, 1, 2, 8, 9, 10] if is_aborted else [0, 1, 2, 4, 7, 8, 9, 10])
    assert records.next_fetch_offset == 11


def test_what_stands_for_a_batch_is_a_dead_letter_that_says_where_and_why() -> None:
    [record] = read(garbled(packed(VALUES, "snappy", first=40)), start=40)

    [invalid] = decode(record).invalid

    assert invalid.reason == "unreadable_batch"
    assert "offsets 40 to 42, compression snappy" in invalid.error


def test_a_wrong_checksum_is_an_error_once_what_is_before_it_is_delivered() -> None:
    good, flipped = packed(VALUES), packed(VALUES, first=3)[:-1] + b"!"

    fetch = fetched(good, flipped)
    assert [record.offset for record in fetch] == [0, 1, 2]
    assert fetch.next_fetch_offset == 3
    with pytest.raises(DamagedBatch, match=r"events/2: the record batch at offset 3 has a wrong checksum; .* replica"):
        read(flipped, start=3)


def test_a_header_name_that_is_no_text_costs_its_record_the_headers_and_nothing_else() -> None:
    builder = BatchBuilder(1 << 20, 0)
    for name in ("plain", "zzzzz", "plain"):
        builder.append(timestamp=NOW_MS, key=b"k", value=b"v", headers=[(name, b"x")])
    batch = with_header_names_of(bytes(builder._build()), b"zzzzz", b"\xff\xfezz\xc3")

    found = read(batch)

    assert [(record.offset, record.value) for record in found] == [(0, b"v"), (1, b"v"), (2, b"v")]
    assert [record.headers for record in found] == [(("plain", b"x"),), (), (("plain", b"x"),)]


def test_a_record_that_is_none_ends_its_batch_at_the_last_offset() -> None:
    batch = packed(VALUES)
    length_at = batch.index(VALUES[1]) - 7  # length, attributes, time, offset, length, key, length
    broken = sealed(batch[:length_at] + b"\x7f" + batch[length_at + 1 :])

    found = read(broken, packed([b"next"], first=3))

    assert [(record.offset, record.value) for record in found[:1]] == [(0, VALUES[0])]
    assert isinstance(found[-2].value, UnreadableBatch)
    assert found[-2].offset == 2
    assert found[-1].value == b"next"


@given(
    st.sampled_from(CODECS),
    st.lists(st.tuples(st.integers(HEADERS_AT, 400), st.integers(0, 255)), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_whatever_a_batch_holds_what_follows_it_is_read(
    codec: Compression, changes: Sequence[tuple[int, int]], start: int
) -> None:
    batch = bytearray(packed(VALUES, codec))
    for at, byte in changes:
        batch[HEADERS_AT + (at - HEADERS_AT) % (len(batch) - HEADERS_AT)] = byte

    fetch = fetched(sealed(bytes(batch)), packed([b"next"], first=3), start=start)
    found = list(fetch)

    assert found[-1].value == b"next"
    assert fetch.next_fetch_offset == 4


def test_a_fetch_that_is_large_when_unpacked_is_handed_on_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    partition, values = TopicPartition("events", 2), [bytes([n]) * 300_000 for n in range(20)]
    monkeypatch.setattr(fetching, "MOST_BYTES", 1_000_000)
    state = SimpleNamespace(paused=False, position=0)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda _partition: state)
    unpacked = fetched(*(packed([value], "gzip", first=number) for number, value in enumerate(values)))
    fetch = fetching.SizedFetch(partition, assignment=assignment, partition_records=unpacked, backoff=0)

    pieces = []
    while piece := fetch.getall():
        pieces.append(piece)
        assert state.position == piece[-1].offset + 1

    assert [record.value for piece in pieces for record in piece] == values
    assert max(map(len, pieces)) == 4
    assert not fetch.has_more()
