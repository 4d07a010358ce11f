"""A redacted dead letter holds nothing of its record but keyed hashes, by which equal records are known."""

from dataclasses import replace
from typing import Any, Final, cast

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from agents.operations.dead_letters.stored import StoredDeadLetter, stored_dead_letter
from schemas.dead_letter import REINSERTED_HEADER, Header
from schemas.dead_letter_redaction import ContentHash, NotRedacted
from schemas.dialects import decode
from streams.folding.dead_letter_writing import DeadLetterWriter, Written
from streams.input.origin import ORIGIN_HEADER
from streams.input.signature import SIGNATURE_HEADER, HeaderKeys
from streams.input.tenant_decoding import TENANT_HELD
from streams.replay import FileRecord
from streams.verification.dead_letters import DeadLetterBook
from streams.verification.ledger import EntryLedger
from streams.verification.students import Extent
from tests.agents.canaries import DERIVED, MARK, broken_records
from tests.contract.caliper_events import envelope
from tests.events import NOW_MS, record
from tests.events import stored_dead_letter as about
from tests.stepped import CHANNELS, Stepped
from tests.unit.test_dead_letter_replay import bad, fold, topic_of, tried

KEYS: Final = HeaderKeys((b"the key of this deployment",))
WRITER: Final = DeadLetterWriter(KEYS.hash_of, KEYS.authentic)
BACK: Final = (REINSERTED_HEADER, b"student-activity/0@3;1700000000000")


def written(value: bytes | None, key: bytes | None = b"ada", headers: tuple[Header, ...] = (), **said: Any) -> Written:
    came = record(value, key=key, headers=cast(Any, headers))
    return WRITER.write(about(came, **said), came)


def read_back(of: Written) -> StoredDeadLetter:
    headers = cast(Any, list(of.headers))
    message = Message("dead-letters", 0, 7, key=of.key, value=of.value, headers=headers, timestamp=(1, NOW_MS))
    return stored_dead_letter(message, KEYS.authentic)


def test_nothing_that_can_name_somebody_is_in_it() -> None:
    broken = [
        FileRecord(offset, NOW_MS, each.value, CHANNELS.activity, 0, each.key, (("author", MARK.encode()),))
        for offset, each in enumerate(broken_records())
    ]

    outputs = Stepped(dead_letter_writer=WRITER).take(CHANNELS.activity, 0, broken).outputs

    dead_letters = [repr(each) for each in outputs if each.topic == CHANNELS.dead_letters]
    assert len(dead_letters) == len(broken)
    assert not [each for each in dead_letters if MARK in each or DERIVED in each or "zebedee" in each.lower()]


@given(content=st.none() | st.binary(max_size=200), other=st.none() | st.binary(max_size=200))
def test_equal_contents_are_known_as_equal_and_sizes_stay(content: bytes | None, other: bytes | None) -> None:
    one, two = (written(each, each, (("h", each),)) for each in (content, other))

    assert [mine == theirs for mine, theirs in zip(one, two, strict=True)] == [content == other] * 3 + [True]
    stored = read_back(one)
    assert (stored.is_redacted, stored.size_bytes) == (True, 2 * len(content or b""))


def test_a_hash_is_of_one_key() -> None:
    assert HeaderKeys((b"another",)).hash_of(b"ada").mac != KEYS.hash_of(b"ada").mac


def test_what_is_no_hash_is_no_redacted_dead_letter() -> None:
    one = written(b"{")

    assert read_back(one._replace(value=b"{")).dead_letter is None
    with pytest.raises(NotRedacted):
        ContentHash.read(b"12345678:0:1")


def test_that_we_had_sent_a_record_back_is_known_and_that_a_producer_says_so_is_not() -> None:
    forged = (BACK, (ORIGIN_HEADER, b"student-activity/1/2/3"), (SIGNATURE_HEADER, b"00000000:" + b"0" * 32))
    signed = KEYS.sign("student-activity", 0, b"ada", b"{", (BACK,))

    assert read_back(written(b"{", headers=signed)).sent_back == BACK[1]
    pretended = written(b"{", headers=forged)
    assert read_back(pretended).sent_back is None
    assert BACK not in pretended.headers


def test_what_was_held_of_a_tenant_stays_readable() -> None:
    held = written(b'{"student_id":"ada"}', reason=TENANT_HELD)

    assert (held.key, held.value) == (b"ada", b'{"student_id":"ada"}')
    assert not read_back(held).is_redacted


def test_a_replay_passes_redacted_ones_over_and_counts_them() -> None:
    topic = topic_of(envelope(*bad(1)))
    for of, dead_letter in fold([record(b"{", 1), record(b"{", 2)]).dead_letters:
        one = WRITER.write(dead_letter, of)
        topic.add(one.key, one.value, one.headers)

    summary = topic.replay(policy="stop")

    assert (summary.read, summary.reinserted, summary.redacted, summary.stopped_at) == (3, 1, 2, None)
    assert topic.replay().read == 0


def test_what_is_still_wrong_of_a_record_is_redacted_when_it_is_put_at_the_end_again() -> None:
    topic = topic_of(envelope(tried(1), *bad(2)))

    topic.replay(read=decode, policy="reinsert", writer=WRITER)

    again_at_the_end = stored_dead_letter(topic.dead_letters[-1], KEYS.authentic)
    assert again_at_the_end.is_redacted
    assert again_at_the_end.dead_letter is not None
    assert again_at_the_end.dead_letter.replays == 1


def test_verify_compares_hashes_and_says_what_it_cannot_compare() -> None:
    came = record(b"<ada/>", 20, key=b"ada")
    dead_letter = about(came)
    one, other = WRITER.write(dead_letter, came), WRITER.write(dead_letter, replace(came, value=b"<bob/>"))

    def settled(keys: HeaderKeys, *found: Written) -> tuple[list[str], int]:
        with EntryLedger(1) as ledger:
            book = DeadLetterBook("student-activity", 1 << 20, ledger, keys.hashes_of)
            book.expect([(came, dead_letter)])
            read = [replace(came, key=each.key, value=each.value, headers=cast(Any, each.headers)) for each in found]
            book.find(read, Extent(partition=0, start=10, cut=100))
            return [mismatch.how for mismatch in ledger.settle()] + [each.what for each in book.unreadable], (
                book.on_trust
            )

    rotated = HeaderKeys((b"a newer key of this deployment", *KEYS.keys))
    assert settled(KEYS, one, one) == ([], 0)
    assert settled(rotated, one) == ([], 0)
    assert settled(KEYS, other) == (["changed"], 0)
    assert settled(HeaderKeys((b"a key of somebody else",)), other) == ([], 1)
    [missing, unreadable], _ = settled(KEYS, one._replace(value=b"{"))
    assert (missing, "does not say" in unreadable) == ("missing", True)
