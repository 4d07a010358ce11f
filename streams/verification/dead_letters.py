"""Dead letters and repartitioned events as ledger entries: what the replay expects to find, and what is there."""

from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.dead_letter_content import is_tombstone, read_content
from schemas.dead_letter_packing import Content, NotPacked
from schemas.dead_letter_redaction import ContentHash, NotRedacted, read_hashes
from schemas.dialects import Record, native
from streams.folding.routing import Repartitioned
from streams.input.origin import origin_in
from streams.input.signature import Authentic
from streams.verification.audit import Difference
from streams.verification.ledger import ANY_DIGEST, Entry, EntryLedger, Mismatch
from streams.verification.students import Extent

HashesOf = Callable[[bytes], Sequence[ContentHash]]
"""What may stand for some bytes on a redacted dead letter: of each header key one, in their order."""


class DeadLetterBook:
    """The dead letters about one partition of `topic`. `largest_bytes`: more of a record than that is cut off.

    `hashes_of` are what may stand for a content on a redacted one. One by another key is not compared, but counted as
    taken `on_trust`. Where a record `is_erased`, its dead letters may be gone.
    """

    def __init__(
        self,
        topic: str,
        largest_bytes: int,
        ledger: EntryLedger,
        hashes_of: HashesOf,
        is_erased: Callable[[Record], bool] = lambda _record: False,
    ) -> None:
        self._topic = topic
        self._largest_bytes = largest_bytes
        self._ledger = ledger
        self._hashes_of = hashes_of
        self._is_erased = is_erased
        self._known_keys = [each.key_id for each in hashes_of(b"")]
        self.foreign = self.on_trust = 0
        self.unreadable: list[Difference] = []

    def expect(self, dead_letters: Sequence[tuple[Record, DeadLetter]]) -> None:
        """Expect the dead letters of what the replay could not read."""
        for record, dead_letter in dead_letters:
            about = dead_letter.partition, dead_letter.offset, dead_letter.index
            digest, redacted = self._digest(record.key, record.value), self._redacted(record.key, record.value)
            self._ledger.expect(
                Entry(about, digest, record.partition, or_digests=redacted, may_be_gone=self._is_erased(record))
            )

    def find(self, records: Sequence[Record], extent: Extent) -> None:
        """Records of the dead letters' topic. Those about other topics, or beyond the extent, don't count."""
        for record in records:
            if is_tombstone(record.headers, record.key, record.value):
                continue
            try:
                content = read_content(tuple(record.headers), record.key, record.value)
            except (msgspec.ValidationError, UnicodeDecodeError, NotPacked, NotRedacted):
                what = f"a dead letter that does not say what it is and where from (at {record.offset} of its topic)"
                self.unreadable.append(Difference("dead_letter", "", record.partition, -1, what))
                continue
            dead_letter = content.dead_letter
            if dead_letter.topic != self._topic:
                self.foreign += 1
            elif dead_letter.epoch == extent.epoch and extent.start <= dead_letter.offset < extent.cut:
                about = dead_letter.partition, dead_letter.offset, dead_letter.index
                digest = self._digest_found(content)
                self.on_trust += digest == ANY_DIGEST
                self._ledger.find(Entry(about, digest, record.partition))

    def _digest_found(self, content: Content) -> bytes:
        """Of what a dead letter holds."""
        if not content.dead_letter.redacted:
            return self._digest(content.key, content.value)
        hashes = read_hashes(content.key, content.value)
        if any(each is not None and each.key_id not in self._known_keys for each in hashes):
            return ANY_DIGEST
        return _digest_of_hashes(*hashes)

    def _redacted(self, key: bytes | None, value: bytes | None) -> tuple[bytes, ...]:
        """What may be found in the place of key and value where they were redacted: of each header key one."""
        keys = [None] * len(self._known_keys) if key is None else self._hashes_of(key)
        values = [None] * len(self._known_keys) if value is None else self._hashes_of(value)
        return tuple(map(_digest_of_hashes, keys, values))

    def _digest(self, key: bytes | None, value: bytes | None) -> bytes:
        """Of the original bytes, as far as a dead letter may hold them."""
        digest = blake2b(digest_size=8)
        left = self._largest_bytes
        for part in (key, value):
            cut = None if part is None else part[:left]
            left -= len(cut or b"")
            digest.update(b"-" if cut is None else len(cut).to_bytes(5) + cut)
        return digest.digest()


class RepartitionBook:
    """Events on foreign partitions of `topic`, and their copies on its owning partition."""

    def __init__(self, topic: str, ledger: EntryLedger, authentic: Authentic) -> None:
        self._topic = topic
        self._ledger = ledger
        self._authentic = authentic

    def expect(self, repartitioned: Sequence[Repartitioned]) -> None:
        """Expect the events that the replay would repartition."""
        for repartitioned_event in repartitioned:
            digest = _digest(native.encode(repartitioned_event.event))
            self._ledger.expect(
                Entry(
                    repartitioned_event.origin.position,
                    digest,
                    repartitioned_event.partition,
                    repartitioned_event.event.student_id,
                )
            )

    def find(self, records: Sequence[Record]) -> None:
        """Records of the input topic: those with an origin were forwarded.

        One that is not signed is a former version's, or forged: to its partition it is an event like any other.
        """
        for record in records:
            came_from = origin_in(record.headers)
            if came_from is not None and came_from.topic == self._topic:
                student = (record.key or b"").decode("utf-8", "replace")
                digest, claimed = _digest(record.value or b""), not self._authentic(record)
                self._ledger.find(Entry(came_from.position, digest, record.partition, student, claimed))


def dead_letter_differs(mismatch: Mismatch) -> Difference:
    """A mismatch among dead letters."""
    what = {
        "missing": "it cannot be read, and has no dead letter",
        "unexpected": "it has a dead letter, though it can be read",
        "changed": "its dead letter has not its original bytes, or is on another partition",
    }[mismatch.how]
    partition, offset, _ = mismatch.entry.about
    return Difference("dead_letter", "", partition, offset, what)


def repartitioned_differs(mismatch: Mismatch) -> Difference:
    """A mismatch among forwards."""
    entry = mismatch.entry
    what = {
        "missing": f"on a foreign partition, and never forwarded to partition {entry.at}",
        "unexpected": f"partition {entry.at} has a forwarded copy of an event that is not there",
        "changed": f"its forwarded copy on partition {entry.at} is another event, or elsewhere",
    }[mismatch.how]
    partition, offset, _ = entry.about
    return Difference("lost" if mismatch.how == "missing" else "state", entry.student, partition, offset, what)


def _digest_of_hashes(key: ContentHash | None, value: ContentHash | None) -> bytes:
    return _digest(b"/".join(b"-" if each is None else each.text for each in (key, value)))


def _digest(value: bytes) -> bytes:
    return blake2b(value, digest_size=8).digest()
