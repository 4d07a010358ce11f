"""Goes through the dead letters that no replay has dealt with yet, and reinserts, drops or leaves each.

What is sent back is in `reread`: the whole record, or of one with several parts those that were wrong. A dead letter
that a restarted worker sent a second time is a repeat, and passed over.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.position import RecordPart, ReplayPosition
from agents.operations.dead_letters.reinsertion import Reinsertion, Sink
from agents.operations.dead_letters.reread import Rereader
from agents.operations.dead_letters.stored import StoredDeadLetter, stored_dead_letter
from schemas.dead_letter import DeadLetter
from schemas.topics import MAX_RECORD_BYTES
from streams.input.signature import Authentic

Policy = Literal["stop", "reinsert", "drop"]

CHUNK_DEAD_LETTERS: Final = 500
CHUNK_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Summary:
    """`read = reinserted + dropped + left + repeats + forgotten + redacted`, and one more where it stopped.

    `still_bad` is a part of them. `left` are never sent back: not of the activity topic, not whole, or of no use by
    now. `forgotten` are of students who were erased since. Of the `redacted` nothing is left that could be sent.
    """

    read: int = 0
    reinserted: int = 0
    still_bad: int = 0
    dropped: int = 0
    left: int = 0
    repeats: int = 0
    forgotten: int = 0
    redacted: int = 0
    stopped_at: str | None = None


@dataclass(slots=True)
class _Chunk:
    """Dead letters that were dealt with and are not yet committed."""

    reinsertions: list[Reinsertion] = field(default_factory=list)
    dead_letters: int = 0
    size_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.dead_letters >= CHUNK_DEAD_LETTERS or self.size_bytes >= CHUNK_BYTES


class DeadLetterReplay:
    """One replay. `reasons` empty is all."""

    def __init__(
        self, policy: Policy, rereader: Rereader, *, reasons: Collection[str] = (), authentic: Authentic
    ) -> None:
        self._policy = policy
        self._activity = rereader.activity
        self._rereader = rereader
        self._reasons = frozenset(reasons)
        self._authentic = authentic
        self.summary = Summary()

    def run(
        self,
        reader: TopicReader,
        spans: Mapping[int, tuple[int, int]],
        begin: Mapping[int, ReplayPosition],
        sink: Sink,
        advance: Callable[[int], None] = lambda _dead_letters: None,
    ) -> Summary:
        """Partition after partition, each from `begin` to its end in `spans`; ends early where the policy stops it."""
        for partition, (_, end) in spans.items():
            self._partition(reader, partition, begin[partition], end, sink, advance)
            if self.summary.stopped_at is not None:
                break
        return self.summary

    def _partition(
        self,
        reader: TopicReader,
        partition: int,
        position: ReplayPosition,
        end: int,
        sink: Sink,
        advance: Callable[[int], None],
    ) -> None:
        chunk, seen_to, reached = _Chunk(), position.seen_to, position.next
        for message in reader.read(partition, position.next, end):
            stored = stored_dead_letter(message, self._authentic)
            record_part = _record_part(stored, self._activity)
            is_repeat = record_part is not None and seen_to is not None and record_part <= seen_to
            if not position.is_done(stored) and self._is_wanted(stored):
                if not self._deal_with(stored, is_repeat, chunk):
                    break
                chunk.dead_letters += 1
            seen_to = max(filter(None, (seen_to, record_part)), default=None)
            reached = stored.offset + 1
            advance(1)
            if chunk.is_full:
                self._commit(sink, partition, chunk, self._move(position, reached, seen_to))
                chunk = _Chunk()
        if reached > position.next:
            self._commit(sink, partition, chunk, self._move(position, reached, seen_to))

    def _is_wanted(self, stored: StoredDeadLetter) -> bool:
        return not self._reasons or stored.reason in self._reasons

    def _deal_with(self, stored: StoredDeadLetter, is_repeat: bool, chunk: _Chunk) -> bool:
        """Count it, and put what is to be sent into `chunk`; False to stop before it."""
        if stored.erases is not None:
            return True
        self.summary.read += 1
        dead_letter = stored.dead_letter
        if dead_letter is None or dead_letter.topic != self._activity or dead_letter.cut_bytes:
            self.summary.left += 1
        elif is_repeat:
            self.summary.repeats += 1
        elif dead_letter.redacted:
            self.summary.redacted += 1
        else:
            return self._reinsert(stored, dead_letter, chunk)
        return True

    def _reinsert(self, stored: StoredDeadLetter, dead_letter: DeadLetter, chunk: _Chunk) -> bool:
        found = self._rereader.read(stored, dead_letter)
        if found.erased:
            self.summary.forgotten += 1
            return True
        sent = [*found.good]
        if found.still_wrong is not None:
            now = found.still_wrong
            self.summary.still_bad += 1
            if self._policy == "stop":
                self.summary.stopped_at = f"{stored.location} (of {stored.source}): {now.reason}: {now.error}"
                return False
            if self._policy == "reinsert":
                sent += found.bad
            elif not sent:
                self.summary.dropped += 1
                return True
        sizes = [one.size_bytes for one in sent]
        if not sent or max(sizes) > MAX_RECORD_BYTES:
            self.summary.left += 1
            return True
        chunk.reinsertions += sent
        chunk.size_bytes += sum(sizes)
        self.summary.reinserted += 1
        return True

    def _move(self, position: ReplayPosition, reached: int, seen_to: RecordPart | None) -> ReplayPosition:
        """Note the way in `position`. With reasons chosen, only theirs: the others have it before them."""
        if self._reasons:
            position.reasons |= {reason: max(reached, position.reasons.get(reason, 0)) for reason in self._reasons}
        else:
            position.next, position.seen_to = reached, seen_to
        return position

    def _commit(self, sink: Sink, partition: int, chunk: _Chunk, position: ReplayPosition) -> None:
        sink.commit(chunk.reinsertions, partition, msgspec.structs.replace(position))


def _record_part(stored: StoredDeadLetter, activity: str) -> RecordPart | None:
    """Which part of which record of the activity topic it is about.

    None where it can't be a repeat, either: a replay wrote it, in the transaction that moved its position.
    """
    dead_letter = stored.dead_letter
    if dead_letter is None or dead_letter.topic != activity or dead_letter.replays:
        return None
    return RecordPart(dead_letter.epoch, dead_letter.offset, dead_letter.index)
