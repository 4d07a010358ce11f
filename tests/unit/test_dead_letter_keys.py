"""Dead letters with keys of their own: compaction removes one that was erased, and never another."""

from itertools import count
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.config.channels import Channels
from agents.config.settings import load_settings
from agents.operations.doctor.topics import specs_of
from agents.operations.erase.dead_letters import ErasedDeadLetters
from agents.operations.erase.holdings import Holdings
from schemas.dead_letter import Header, own_headers
from schemas.dead_letter_content import is_own_key, is_tombstone, read_content
from schemas.dead_letter_packing import PLAIN_BYTES
from schemas.dead_letter_redaction import read_hashes
from streams.folding.dead_letter_writing import PLAIN_WRITER, DeadLetterWriter, Written
from streams.input.signature import HeaderKeys
from streams.verification.dead_letters import DeadLetterBook
from streams.verification.ledger import EntryLedger
from streams.verification.students import Extent
from tests.events import record, stored_dead_letter
from tests.unit.test_dead_letter_replay import Topic
from tests.unit.test_holdings import ERASED_AT
from tests.unit.verified import again

KEYS: Final = HeaderKeys((b"the key of this deployment",))
UNIQUE: Final = {"SKILLSTREAM_DEAD_LETTER_KEYS": "unique"}
CHANNELS: Final = Channels.of(load_settings({}))


NUMBERS: Final = count()


def number() -> str:
    """In the place of a random one."""
    return f"{next(NUMBERS):016x}"


WRITER: Final = DeadLetterWriter(random=number)


def written(by: DeadLetterWriter, key: bytes | None, value: bytes | None, *headers: Header) -> Written:
    came = record(value, 7, key=key, headers=cast(Any, headers))
    return by.write(stored_dead_letter(came), came)


CONTENT: Final = st.none() | st.just(b"") | st.binary(max_size=30) | st.just(b"large" * PLAIN_BYTES)


@given(key=CONTENT, value=CONTENT)
def test_key_and_value_come_back_and_a_null_value_is_left_to_tombstones(key: bytes | None, value: bytes | None) -> None:
    one = written(WRITER, key, value, ("dl-key", b"theirs"), ("h", b"own"))

    assert is_own_key(one.key)
    assert one.value is not None
    assert read_content(one.headers, one.key, one.value)[1:] == (key, value)
    assert own_headers(one.headers) == (("dl-key", b"theirs"), ("h", b"own"))


@given(key=CONTENT, value=CONTENT)
def test_a_redacted_one_has_the_hash_of_its_record_s_key_beside_its_own(key: bytes | None, value: bytes | None) -> None:
    one = written(DeadLetterWriter(KEYS.hash_of, random=number), key, value)

    found = read_hashes(*read_content(one.headers, one.key, one.value)[1:])
    assert found == tuple(None if each is None else KEYS.hash_of(each) for each in (key, value))


def test_the_same_record_twice_has_two_keys() -> None:
    assert len({written(WRITER, b"ada", b"{").key for _ in range(3)}) == 3


@pytest.mark.parametrize("writer", [PLAIN_WRITER, WRITER])
@pytest.mark.parametrize("value", [None, b"", b"{"])
def test_no_dead_letter_is_a_tombstone(writer: DeadLetterWriter, value: bytes | None) -> None:
    one = written(writer, b"ada", value)

    assert not is_tombstone(one.headers, one.key, one.value)
    assert is_tombstone((), written(WRITER, b"ada", value).key, None)


def test_a_replay_passes_tombstones_over() -> None:
    topic, one = Topic(), written(WRITER, b"ada", b"{")
    topic.add(one.key, one.value, one.headers)
    topic.add(one.key, None, ())

    summary = topic.replay(policy="drop")

    assert (summary.read, summary.dropped, summary.left) == (1, 1, 0)


def test_the_topic_is_compacted_only_where_no_key_comes_twice() -> None:
    policies = []
    for given_settings in ({}, UNIQUE):
        [spec] = [spec for spec in specs_of(load_settings(given_settings)) if spec.name == CHANNELS.dead_letters]
        policies.append((spec.config["cleanup.policy"], spec.has_unique_keys))

    assert policies == [("delete", False), ("compact,delete", True)]


def test_verify_misses_no_dead_letter_of_who_was_erased_and_still_finds_a_wrong_one() -> None:
    came = record(b"<ada/>", 20, key=b"ada")
    right, wrong = (WRITER.write(stored_dead_letter(came), again(came, value=value)) for value in (b"<ada/>", b"<bo/>"))

    def settled(*found: Written) -> tuple[list[str], int]:
        with EntryLedger(1) as ledger:
            book = DeadLetterBook("student-activity", 1 << 20, ledger, KEYS.hashes_of, lambda each: each.key == b"ada")
            book.expect([(came, stored_dead_letter(came))])
            read = [again(came, key=each.key, value=each.value, headers=each.headers) for each in found]
            book.find(read, Extent(partition=0, start=10, cut=100))
            assert book.unreadable == []
            return [mismatch.how for mismatch in ledger.settle()], ledger.gone

    tombstone = Written(right.key, None, ())
    assert settled() == settled(tombstone) == ([], 1)
    assert settled(right, tombstone) == ([], 0)
    assert settled(wrong) == (["changed"], 0)


@pytest.mark.parametrize(
    ("policy", "until"), [("compact,delete", "2026-11-29T13:00:00Z"), ("delete", "2026-11-29T15:00:00Z")]
)
def test_a_receipt_says_how_many_were_erased_and_until_when_they_are_on_disk(policy: str, until: str) -> None:
    hour_ms = 3_600_000
    kept = {
        "cleanup.policy": policy,
        "max.compaction.lag.ms": str(hour_ms),
        "retention.ms": str(2 * hour_ms),
        "segment.ms": str(hour_ms),
    }
    holdings = Holdings(CHANNELS, "changelog", {CHANNELS.dead_letters: kept})

    remains = holdings.remaining(ERASED_AT, ErasedDeadLetters(erased=3, shared=1, left=2))

    erased, others = [left for left in remains if left.where == CHANNELS.dead_letters]
    assert erased.what.startswith("dead letters, erased: 3, 1 of them with events of others")
    assert others.what.startswith("dead letters of theirs without a key of their own: 2")
    assert (erased.until, others.until) == (until, "2026-11-29T15:00:00Z")
