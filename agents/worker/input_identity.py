"""Whether the topic and the table still belong together: tested after every recovery, watched while running.

Nothing of a partition is folded before `check` has passed; what it then learnt goes into the checkpoints.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
from aiokafka.structs import ConsumerRecord

from agents.delivery.faust.table import RowTable
from agents.delivery.step import Batches, BatchResult, BatchStep
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.input_topic import Description, InputTopic
from agents.worker.position_jumps import PositionJumps
from streams.input.checkpoint import (
    CHECKPOINT_VERSION,
    CheckpointMismatch,
    IdentityLost,
    InputCheckpoint,
    Remedy,
    RescoreId,
    decode_checkpoint,
    find_mismatch,
    identity_lost,
    removed_unread,
    value_checksum,
)

WATCH_EVERY_S: Final = 5.0

_log = logging.getLogger(__name__)


class InputIdentity:
    """Of one worker. `epoch` is that of a table which has no checkpoint yet; one that has knows its own."""

    def __init__(self, topic: InputTopic, table: RowTable, jumps: PositionJumps, *, epoch: int) -> None:
        self._topic = topic
        self._table = table
        self._jumps = jumps
        self._epoch = epoch
        self._epochs: dict[int, int] = {}
        self._folded_to: dict[int, int] = {}
        self._rescored: dict[int, RescoreId | None] = {}
        self._known: Description | None = None

    async def check(self, partitions: frozenset[int]) -> None:
        """Judge `partitions` before they are folded.

        Raises IdentityLost, BrokerUnavailable when the broker is silent, and what PositionJumps.note raises.
        """
        stored = {partition: self._table.checkpoints.get(partition) for partition in partitions}
        checkpoints = {
            partition: decode_checkpoint(checkpoint)
            for partition, checkpoint in stored.items()
            if checkpoint is not None
        }
        rows = {partition: self._table.rows.count(partition) for partition in partitions}
        known, found = await asyncio.to_thread(self._topic.find, checkpoints, rows)
        for partition in sorted(partitions):
            checkpoint = checkpoints.get(partition)
            if (finding := find_mismatch(checkpoint, found[partition], self._epoch)) is not None:
                raise identity_lost(self._topic.topic, partition, finding)
            if checkpoint is not None:
                self._jumps.remember(self._topic.topic, partition, checkpoint.skipped, checkpoint.offset + 1)
            if removed := removed_unread(checkpoint, found[partition]):
                start = found[partition].start
                self._jumps.note(self._topic.topic, partition, start - removed, start)
            self._epochs[partition] = self._epoch if checkpoint is None else checkpoint.epoch
            self._folded_to[partition] = -1 if checkpoint is None else checkpoint.folded_to
            self._rescored[partition] = None if checkpoint is None else checkpoint.rescored
        self._known = known

    def epoch_of(self, partition: int) -> int:
        """The epoch to fold a checked partition's records under."""
        return self._epochs[partition]

    @property
    def topic_id(self) -> str:
        """Of the input, as it was checked; empty where the broker keeps none."""
        return "" if self._known is None else self._known.topic_id

    def new_from(self, partition: int) -> int:
        """The first offset of a checked partition that was not folded before the table was rebuilt."""
        return self._folded_to[partition] + 1

    def rescored(self, partition: int) -> RescoreId | None:
        """The last request to score all students of a checked partition that was carried out."""
        return self._rescored[partition]

    def note_rescored(self, partition: int, request: RescoreId) -> InputCheckpoint | None:
        """That it was carried out, in this and all later checkpoints; None where nothing was folded yet."""
        self._rescored[partition] = request
        stored = self._table.checkpoints.get(partition)
        return None if stored is None else msgspec.structs.replace(decode_checkpoint(stored), rescored=request)

    def checkpoint(self, last: ConsumerRecord, norms: int) -> InputCheckpoint:
        """What to remember of a folded batch that ended with `last`, and whose journal of norms with the entry of the
        number `norms`; its rows are counted when it is written.
        """
        assert self._known is not None, "folded before the check"
        return InputCheckpoint(
            CHECKPOINT_VERSION,
            self._known.topic_id,
            self._known.partitions,
            self._epochs[last.partition],
            last.offset,
            last.timestamp,
            value_checksum(last.value),
            skipped=self._jumps.skipped(last.topic, last.partition),
            folded_to=self._folded_to[last.partition],
            rescored=self._rescored[last.partition],
            norms=norms,
        )

    async def watch(self) -> None:
        """Raise IdentityLost when the topic becomes another one while it is read. Runs for ever.

        A fetch does not show it: a consumer would go on in the new topic at the old one's offset.
        """
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if (known := self._known) is None:
                continue
            try:
                now = await asyncio.to_thread(self._topic.describe)
            except BrokerUnavailable as unknown:
                _log.warning("%s", unknown)
                continue
            if now.partitions != known.partitions:
                problem = f"{self._topic.topic} had {known.partitions} partitions and has {now.partitions}"
                raise IdentityLost(str(CheckpointMismatch(problem, Remedy.REBUILD)))
            if now != known:
                problem = f"{self._topic.topic} was deleted and created again while it was read"
                raise IdentityLost(str(CheckpointMismatch(problem, Remedy.ADOPT)))


class CheckpointedStep:
    """A step whose batches of `activity` carry a checkpoint, whether or not they changed a row. Implements
    BatchStep.
    """

    def __init__(self, step: BatchStep, identity: InputIdentity, activity: str) -> None:
        self._step = step
        self._identity = identity
        self._activity = activity

    async def __call__(self, topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        """See BatchStep."""
        results = await self._step(topic, batches)
        if topic != self._activity:
            return results
        return {partition: self._with_checkpoint(batches[partition], result) for partition, result in results.items()}

    def _with_checkpoint(self, records: Sequence[ConsumerRecord], result: BatchResult) -> BatchResult:
        last = records[-1 if result.records is None else result.records - 1]
        norms = -1 if result.journaled is None else result.journaled.number
        return replace(result, checkpoint=self._identity.checkpoint(last, norms))
