"""Faust's consumer, handing on whole fetches instead of single events, with commits of its own.

One message a fetch, or several of `max_batch_records`: its value are the batches of all source partitions. Read the
consumers of Faust 0.15.3 and aiokafka 0.14.0 before touching this. Private parts that are replaced, and why:

* `getmany`: yields fetches. Sources are asked when the agent is done with what it was given: what comes meanwhile
  gathers in aiokafka's buffer (its fetches are on their way all the time), and is one batch after it, not a queue of
  small ones. No fetch is in flight while a seek runs, and what was fetched before a seek is dropped after it: otherwise
  the read position and what was delivered can disagree, and records are skipped.
* `perform_seek`: goes back to the beginning where nothing is committed (aiokafka's `seek_to_committed` leaves
  the position where it is, so whatever was fetched and dropped before would be lost), and leaves changelogs
  alone.
* `force_commit`, `_commit`: the commit position comes from our ack ranges; a commit that the broker rejected
  is not recorded; one that is not answered is offered again.
* `_watch_group` (ours): aiokafka hands errors of the group to whoever calls its `getmany`, which Faust never
  does (`_coordinator.check_errors`): a worker whose join failed would live on without partitions. What that and refused
  commits come to is in `membership`.
* `_add_gap`: offsets missing from the log are covered by the ranges.
* `verify_event_path`: compares clocks of different kinds, and cries wolf with batches.

The thread that holds aiokafka's consumer is in `consumer_thread`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
)
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import TPorTopicSet
from faust.types.tuples import Message
from mode import Service
from mode.utils.futures import notify

from agents.delivery.acks import AckLedger
from agents.delivery.context import DeliveryContext
from agents.delivery.faust.consumer_thread import BatchConsumerThread
from agents.delivery.faust.message import Fetched, FetchMessage, LogMessage, SourceBatch, even_parts
from agents.delivery.faust.workload import Workload
from agents.delivery.membership import Membership
from agents.kafka.errors import BrokerUnavailable

_FETCH_WAIT_S = 0.25
"""How long a fetch may wait for records: a seek waits for the fetch in flight."""
_BUSY_FETCH_WAIT_S = 0.02
"""The same while partitions are left out, which may be asked at any moment."""
_POSITION_WAIT_S = 5.0
_GROUP_CHECK_S = 1.0
_THREAD_S = 2.0
"""How much longer than its thread whoever calls it waits."""


class BatchConsumer(driver.Consumer):
    """Delivers batches and commits acknowledged ranges. Runs in the worker's main thread."""

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, delivery: DeliveryContext, **options: Any) -> None:
        self.delivery = delivery
        self._ledgers: dict[TP, AckLedger] = {}
        self._seeks: Counter[TP] = Counter()
        self._log_fetched: dict[TP, int] = {}
        self._position_lock = asyncio.Lock()
        self._frozen = False
        self._workload = Workload(delivery.settings.collect_ms)
        super().__init__(*args, **options)
        self._membership = Membership(delivery.settings.session_timeout_s, delivery.switch.halt, delivery.outage)

    @property
    def thread_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the thread that holds aiokafka's consumer."""
        return self._thread.thread_loop

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(
            self, delivery=self.delivery, collect_ms=self._workload.collect_ms, loop=self.loop, beacon=self.beacon
        )

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Hand on nothing of these partitions, and fetch nothing."""
        super().pause_partitions(tps)
        self._pause(tps, paused=True)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch these partitions, and hand on what comes."""
        super().resume_partitions(tps)
        self._pause(tps, paused=False)

    def _pause(self, tps: Iterable[TP], *, paused: bool) -> None:
        asked = frozenset(TopicPartition(tp.topic, tp.partition) for tp in tps)
        self._thread.thread_loop.call_soon_threadsafe(partial(self._thread.pause, asked, paused=paused))

    def freeze(self) -> None:
        """Deliver and commit nothing more: something fatal happened. Idempotent."""
        self._frozen = True

    @Service.task
    async def _watch_group(self) -> None:
        while not self.should_stop and not self._frozen:
            await self.sleep(_GROUP_CHECK_S)
            try:
                await self._thread.call_thread(self._thread.check_group)
            except KafkaError as error:
                self._membership.fail(error)
            else:
                if self._ledgers:
                    self._membership.confirm()

    # -- delivery

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Fetch once. Yield one message of all sources with records in it (several, if they are many), and one for each
        partition of a changelog.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        active = set(self._get_active_partitions())
        asked = {tp for tp in active if self._is_changelog_tp(tp)} if self._workload else active
        if not asked:
            await self._workload.some_done()
            return
        async with self._position_lock:
            seeks = dict(self._seeks)
            generation = self.app.consumer_generation_id
            wait_s = _FETCH_WAIT_S if asked == active else _BUSY_FETCH_WAIT_S
            answer = await self._getmany(asked, min(timeout, wait_s))
        fetched = {ensure_TP(tp): records for tp, records in (answer or {}).items() if records}
        logs = {tp: records for tp, records in fetched.items() if self._is_changelog_tp(tp)}
        self._note_log(logs)
        sources = {tp: records for tp, records in fetched.items() if tp not in logs}
        parts: list[Fetched] = [{tp: records} for tp, records in logs.items()]
        parts += even_parts(sources, self.delivery.settings.max_batch_records)
        for part in parts:
            if self._frozen or not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance or a stop: both seek before anything is delivered again
            wanted = {tp: some for tp, some in part.items() if self._seeks[tp] == seeks.get(tp, 0) and self._wanted(tp)}
            message = self._message(wanted)
            if message is not None:
                yield message.tp, message

    def finish(self, message: FetchMessage) -> None:
        """All steps of it are done, whether sent and confirmed or not: the next fetch is wanted. Idempotent."""
        self._workload.finish(message)

    def _note_log(self, fetched: Fetched) -> None:
        for tp, records in fetched.items():
            self._log_fetched[tp] = records[-1].offset

    async def read_of_log(self, tp: TP) -> tuple[int | None, int]:
        """The last record fetched from a changelog partition since it was sought, and where the next fetch begins.

        Offsets between the two hold no record. Raises KafkaError and TimeoutError.
        """
        async with self._position_lock:  # no fetch is on its way
            position = await asyncio.wait_for(self._thread.position(tp), _POSITION_WAIT_S)
            return self._log_fetched.get(tp), -1 if position is None else position

    def _wanted(self, tp: TP) -> bool:
        return tp in self._get_active_partitions() or tp in self._buffered_partitions

    def _message(self, fetched: Fetched) -> FetchMessage | LogMessage | None:
        """Of one partition of the changelog, or of any of the sources."""
        generation = self.app.consumer_generation_id
        batches: list[SourceBatch] = []
        for tp, records in fetched.items():
            if self._is_changelog_tp(tp):
                return LogMessage.of(tp, records, generation, self._seeks[tp])
            ledger = self._ledgers.get(tp)
            if ledger is None:  # not yet sought to where it must begin
                continue
            position = ledger.position
            if position is not None and records[0].offset < position:
                records = [record for record in records if record.offset >= position]
            if records:
                batches.append(SourceBatch.of(tp, records, ledger))
        if not batches:
            return None
        message = FetchMessage.of(batches, generation)
        self._workload.give(message)
        return message

    def is_current(self, batch: SourceBatch) -> bool:
        """Whether the batch's partition is still ours and was not sought since: else its ack is void."""
        return not self._frozen and self._ledgers.get(batch.tp) is batch.ledger

    def follows(self, message: LogMessage) -> bool:
        """Whether a message of the changelog was read since its partition was last sought: else there is a gap."""
        return self._seeks[message.tp] == message.seek

    # -- positions

    async def perform_seek(self) -> None:
        """Go to the committed offsets of all source partitions; what was delivered before is void."""
        async with self._position_lock:
            sources = [ensure_TP(tp) for tp in self.assignment() if not self._is_changelog_tp(ensure_TP(tp))]
            self._forget(sources)
            committed = await self._thread.call_thread(self._thread.seek_sources, sources)
            self._forget(sources)
            for tp, offset in committed.items():
                self._ledgers[tp] = AckLedger(position=offset, committed=offset)
                self._read_offset[tp] = offset
                self._committed_offset[tp] = offset

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to offsets and wait until aiokafka is there (Faust does this to changelogs, in recovery)."""
        async with self._position_lock:
            for tp in partitions:
                self._seeks[ensure_TP(tp)] += 1
                self._log_fetched.pop(ensure_TP(tp), None)
            await super().seek_wait(partitions)

    def _forget(self, partitions: Sequence[TP]) -> None:
        self._workload.forget()
        for tp in partitions:
            self._seeks[tp] += 1
            self._ledgers.pop(tp, None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drain and commit (the app does, called by super), then forget the partitions."""
        await super().on_partitions_revoked(revoked)
        self._forget(list(revoked))
        self._membership.accept_commits()

    async def changelog_ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """The offset after the last readable record of changelog partitions. Raises BrokerUnavailable."""
        log = self.delivery.settings.changelog_topic
        asked = [TP(log, partition) for partition in partitions]
        try:
            ends = await asyncio.wait_for(self.highwaters(*asked), self.delivery.settings.commit_timeout_s)
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"the ends of {log} aren't told: {error!r}") from error
        except RuntimeError as error:
            if not self._thread.thread_loop.is_closed():
                raise
            raise BrokerUnavailable("the consumer has stopped") from error
        return {tp.partition: end for tp, end in ends.items() if end is not None}

    # -- acks and commits

    def ack(self, message: Message) -> bool:
        """A fetch of the sources is done with, as Faust counts it; what of it may be committed, `acknowledge` says."""
        if not isinstance(message, FetchMessage):
            return super().ack(message)
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    def acknowledge(self, batch: SourceBatch) -> None:
        """All that came of a batch is confirmed. Once; one that is no longer current changes nothing."""
        batch.ledger.ack(batch.ack_range)

    def uncommitted(self) -> dict[TP, int]:
        """What a commit would commit now: offsets of acknowledged work, by partition."""
        offsets = {tp: ledger.committable() for tp, ledger in self._ledgers.items()}
        return {tp: offset for tp, offset in offsets.items() if offset is not None}

    def committed_offsets(self) -> dict[TP, int | None]:
        """What the broker has confirmed, by source partition."""
        return {tp: ledger.committed for tp, ledger in self._ledgers.items()}

    async def commit_all(self) -> bool:
        """Commit all that is acknowledged by now.

        Faust's `commit` does nothing beside one that is in flight, which may have begun before the last acks.
        """
        await self.maybe_wait_for_commit_to_finish()
        return await self.commit()

    async def force_commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Commit all acknowledged work. True when the broker accepted; a rejection is recorded nowhere."""
        offsets = {} if self._frozen else self.uncommitted()
        ledgers = {tp: self._ledgers[tp] for tp in offsets}
        if not offsets or not await self._commit(offsets):
            return False
        for tp, offset in offsets.items():
            ledgers[tp].confirm(offset)
            if self._ledgers.get(tp) is ledgers[tp]:
                self._committed_offset[tp] = offset
        return True

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        timeout_s = self.delivery.settings.commit_timeout_s + _THREAD_S
        asked_s = time.monotonic()
        try:
            await asyncio.wait_for(self._thread.call_thread(self._thread.commit_offsets, offsets), timeout_s)
        except (CommitFailedError, IllegalStateError) as error:
            self._membership.refuse_commit(error)
            return False
        except (KafkaError, TimeoutError) as error:
            self._membership.reject_commit(len(offsets), error, time.monotonic() - asked_s)
            return False
        self._membership.accept_commits()
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing.

        Ranges cover what is missing between their ends, and the commit passes what lies between.
        """

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: progress is watched by `DeliveryApp.last_progress_s`."""

    async def create_topic(self, topic: str, partitions: int, replication: int, **_options: Any) -> None:
        """Nothing: topics are made by agents.kafka.topics before the worker starts."""
