"""Other ids in a worker's stream: where their events begin to count for the student is stated before it is so.

    recovered ──► claim of each partition, confirmed ──► the topic read to its end ──► where the input ends now
    event of another id, from there on, that nothing is stated of ──► start stated, confirmed, read back
                                                               ──► the batch is processed again, under it

A start counts only if the newest claim before it is its writer's: a worker that was paused, and writes one when others
have the partition, changes nothing. Nobody can have worked on what was not there when the partition was claimed.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import uuid4

import msgspec

from agents.delivery.patience import Patience
from agents.identities.starts_topic import STARTS_PARTITION
from agents.kafka.followed import FollowedTopic, TopicStartedAnew
from agents.kafka.input_topic import InputTopic
from agents.logs import lifecycle
from schemas.dialects import Record
from schemas.identity_start import START_VERSION, IdentityStartRecord, start_key
from streams.context import Gate
from streams.folding.dead_letters import DeadRecord
from streams.input.identity_decoding import IdentityDecoding, StartedAnew
from streams.input.identity_starts import IdentityStart, StartLog


class IdentityStarting:
    """Of one worker. In the event loop's thread, but for what it reads and writes. The input has `partitions`."""

    def __init__(
        self,
        topic: FollowedTopic,
        activity: InputTopic,
        decoding: IdentityDecoding,
        patience: Patience,
        in_group: Callable[[], Awaitable[None]],
        partitions: int,
    ) -> None:
        """`in_group` returns while nobody else can have our partitions, and raises where somebody may."""
        self.decoding = decoding
        self._topic, self._activity, self._partitions = topic, activity, partitions
        self._patience, self._in_group = patience, in_group
        self._writer = ""

    async def recovered(self, active: frozenset[int]) -> None:
        """Claim partitions, and read what is stated. Before anything of them is folded. Waits for the broker."""
        self.decoding.news_from = {}
        if active:
            await self._in_group()
            self._writer = await self._patience.ask(lambda: self._claim(active))
            ends = await self._patience.ask(lambda: self._activity.ends(self._partitions))
            claimed = (each for each in active if self.decoding.starts.is_claimed_by(each, self._writer))
            self.decoding.news_from = {partition: ends[partition] for partition in claimed}

    def drop(self, partitions: Iterable[int]) -> None:
        """These are not ours any more."""
        for partition in partitions:
            self.decoding.news_from.pop(partition, None)

    def before(self, check: Gate) -> Gate:
        """A Gate that has what is missing stated first. It raises StartedAnew then, and what `check` raises."""

        async def check_after(partition: int, records: Sequence[Record], dead: Sequence[DeadRecord]) -> None:
            missing, self.decoding.missing = list(self.decoding.missing.values()), {}
            if missing:
                await self._state(missing)
                raise StartedAnew
            await check(partition, records, dead)

        return check_after

    def close(self) -> None:
        """Let go of the clients."""
        self._topic.close()

    async def _state(self, missing: Sequence[IdentityStart]) -> None:
        decoding, news_from = self.decoding, self.decoding.news_from
        ours = [each for each in missing if each.offset >= news_from.get(each.partition, each.offset + 1)]
        records = [each.record(decoding.starts.topic_id, self._writer) for each in ours]
        await self._in_group()  # a claim may have come late: then we are out, and others have folded what we see
        await self._patience.ask(lambda: self._write(records))
        for partition in {each.partition for each in ours}:
            if not decoding.starts.is_claimed_by(partition, self._writer):
                news_from.pop(partition, None)  # another worker has it, or had: nothing is stated until the next claim
        lifecycle.identities_started(len(ours))

    def _claim(self, active: frozenset[int]) -> str:
        """Blocks. The claim's writer is new each time: one that is confirmed to nobody is nobody's."""
        writer, topic_id = uuid4().hex, self._activity.describe().topic_id
        if topic_id != self.decoding.starts.topic_id:
            self.decoding.starts = StartLog(topic_id)
            self._topic.rewind()
        claims = [
            IdentityStartRecord(
                version=START_VERSION, kind="claim", writer=writer, topic_id=topic_id, partition=partition
            )
            for partition in sorted(active)
        ]
        self._write(claims)
        return writer

    def _write(self, said: Sequence[IdentityStartRecord]) -> None:
        """Append, and read on beyond it: what counts, the log alone says. Blocks."""
        self._topic.append_all(STARTS_PARTITION, [(start_key(each), msgspec.json.encode(each)) for each in said])
        try:
            self._read_on()
        except TopicStartedAnew:
            self.decoding.starts = StartLog(self.decoding.starts.topic_id)
            self._read_on()

    def _read_on(self) -> None:
        for records in self._topic.batches_on():
            for record in records:
                self.decoding.starts.note(record)
