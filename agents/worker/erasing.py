"""The step of `erasures`: a request is accepted beside the step, an acceptance is carried out in it.

    request ──► known already: ignored
          └───► where does the input end? ──► acceptance on `erasures`, confirmed ──► the request is acknowledged
    acceptance ──► tombstone row, null values on what was published

What counts of a student is decided by offsets, and by the acceptance alone: see `streams.folding.erasing`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agents.config.channels import Channels
from agents.delivery.outage import Outage
from agents.delivery.step import Batches, BatchResult, Output
from agents.kafka.errors import BrokerUnavailable
from agents.worker.internal_steps import Applied, QueuedRows
from agents.worker.open_erasures import OpenErasures
from agents.worker.student_step import Step
from schemas import erasure
from schemas.dialects import Record
from schemas.erasure import ACCEPTED_HEADER, Acceptance, KnownRequest
from streams.folding.erasing import acceptance_of, erased_row
from streams.input.origin import CameFrom, origin_in
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Authentic, Sign
from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.row import Row

_ASK_AGAIN_S: Final = 1.0
_ACCEPTED: Final = (ACCEPTED_HEADER, b"1")

Accept = Callable[[int, bytes, Acceptance], "asyncio.Future[None]"]
"""Has a request about a student of this partition and key accepted; done when the acceptance is confirmed. It is given
the acceptance without the ends.
"""


class FoldedMeanwhile:
    """How far events have been folded on partitions where requests are being accepted: since the first of them."""

    def __init__(self, authentic: Authentic) -> None:
        self._authentic = authentic
        self.open = OpenErasures()
        self._requests: dict[int, Counter[bytes]] = {}
        self._folded: dict[int, dict[int, int]] = {}

    def begin(self, partition: int, key: bytes) -> None:
        """A request about this student is being accepted."""
        self.open.begin(partition, key)
        self._requests.setdefault(partition, Counter())[key] += 1
        self._folded.setdefault(partition, {})

    def finish(self, partition: int, key: bytes) -> Mapping[int, int] | None:
        """What `erased_row` is to know when an acceptance is read; None where this worker has not begun it."""
        requests = self._requests.get(partition, Counter())
        if key not in requests:
            return None
        folded = dict(self._folded[partition])
        requests[key] -= 1
        if requests[key] == 0:
            del requests[key]
        if not requests:
            self._drop_requests({partition})
        return folded

    def note(self, partition: int, records: Sequence[Record]) -> None:
        """These have been folded."""
        if (folded := self._folded.get(partition)) is None:
            return
        for record in records:
            came = [(partition, record.offset)]
            if record.headers and (origin := origin_in(record.headers)) is not None and self._authentic(record):
                came.append(origin.position[:2])
            for at, offset in came:
                folded[at] = max(folded.get(at, 0), offset + 1)

    def drop(self, partitions: Collection[int]) -> None:
        """These are not ours any more."""
        self.open.drop(partitions)
        self._drop_requests(partitions)

    def _drop_requests(self, partitions: Iterable[int]) -> None:
        """Nothing is being accepted there."""
        for partition in partitions:
            self._requests.pop(partition, None)
            self._folded.pop(partition, None)


@dataclass(frozen=True, slots=True)
class NotedStep:
    """The step of the input topic, of which `meanwhile` is told what it has folded."""

    step: Step
    meanwhile: FoldedMeanwhile

    async def __call__(self, batches: Batches) -> Mapping[int, BatchResult]:
        """See StudentStep."""
        results = await self.step(batches)
        for partition, result in results.items():
            self.meanwhile.note(partition, batches[partition][: result.records])
        return results


@dataclass(frozen=True, slots=True)
class Erasing:
    """Replaces a student's row by a tombstone row, and deletes what was published. `epoch_of` tells a partition's,
    `topic_id` the input's.
    """

    rows: QueuedRows
    owning_partition: OwningPartitionOfKey
    channels: Channels
    sign: Sign
    authentic: Authentic
    epoch_of: Callable[[int], int]
    topic_id: Callable[[], str]
    accept: Accept
    meanwhile: FoldedMeanwhile

    def __call__(self, partition: int, record: Record) -> Applied:
        """See InternalStep."""
        request = erasure.read_request(record.key, record.value, record.timestamp)
        if request is None:
            return Applied("erasures_ignored")
        key, ours = request.student.encode(), bool(record.headers) and self.authentic(record)
        owner = self.owning_partition(key)
        if owner is not None and owner != partition:
            return Applied("erasures_forwarded", outputs=[self._sent_on(owner, key, record)])
        row = self.rows.load(partition, key) or Row()
        topic_id = self.topic_id()
        accepted = erasure.read_acceptance(record.value, record.headers) if ours else None
        if accepted is None:
            asked = _request(record, ours=ours)
            if erasure_of(row.erasure).knows(asked):
                return Applied("erasures_ignored")
            return self._accept(partition, key, Acceptance(topic_id, request.at_us, (), (asked,)))
        folded = self.meanwhile.finish(partition, key)
        tombstone = erased_row(row, accepted, self.epoch_of(partition), folded or {})
        is_of_topic = accepted.topic_id == topic_id
        if tombstone is not None and (folded is None or not is_of_topic):
            # Of another topic, by now; or accepted by a worker that has ended, and nobody knows what it folded since.
            if not is_of_topic and row.erased_us >= accepted.at_us:
                self.meanwhile.open.finish(partition, key)
                return Applied("erasures_ignored")
            return self._accept(partition, key, Acceptance(topic_id, accepted.at_us, (), accepted.requests))
        return self._erase(partition, key, row, tombstone, accepted)

    def _accept(self, partition: int, key: bytes, wanted: Acceptance) -> Applied:
        self.meanwhile.begin(partition, key)
        return Applied("erasures_accepted", awaited=[self.accept(partition, key, wanted)])

    def _erase(self, partition: int, key: bytes, row: Row, tombstone: Row | None, accepted: Acceptance) -> Applied:
        self.meanwhile.open.finish(partition, key)
        left = row if tombstone is None else tombstone
        # Carried out already, by a worker that may have ended before it had deleted all: what came since stays.
        keeps = {self.channels.updates} if left.events else set()
        channels = self.channels
        published = (channels.updates, channels.history, channels.reasoning, channels.attention)
        outputs = [Output(topic, partition, key, None) for topic in published if topic and topic not in keeps]
        if (said := acceptance_of(left, accepted.topic_id)) != _ordered(accepted):
            outputs.append(acceptance_record(channels.erasures, partition, key, said, self.sign))
        if tombstone is None:
            return Applied("erasures_ignored", outputs=outputs)
        changes = self.rows.store(partition, key, tombstone, without_segments=True)
        return Applied("erasures_applied", changes, outputs)

    def _sent_on(self, owner: int, key: bytes, record: Record) -> Output:
        """With where it came from, by which a second copy is known."""
        came_from = CameFrom(record.topic, (record.partition, record.offset, 0))
        topic = self.channels.erasures
        headers = self.sign(topic, owner, key, erasure.VALUE, (came_from.header,))
        return Output(topic, owner, key, erasure.VALUE, headers, record.timestamp)


class ErasureAcceptor:
    """Accepts requests beside the step: asks `ends`, which blocks, once for all that wait, and sends the acceptances.

    `send` hands records over for a topic's partition, and returns what is done when they are confirmed.
    """

    def __init__(
        self,
        erasures: str,
        ends: Callable[[], Sequence[int]],
        send: Callable[[str, int, Iterable[Output]], Awaitable[Sequence["asyncio.Future[Any]"]]],
        sign: Sign,
        outage: Outage,
    ) -> None:
        self._erasures = erasures
        self._ends = ends
        self._send = send
        self._sign = sign
        self._outage = outage
        self._waiting: list[_Waiting] = []
        self._asked = asyncio.Event()

    def accept(self, partition: int, key: bytes, wanted: Acceptance) -> "asyncio.Future[None]":
        """See Accept."""
        waiting = _Waiting(partition, key, wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._asked.set()
        return waiting.accepted

    async def run(self) -> None:
        """Accept what is asked for. Runs for ever; raises what a send raises."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            waiting, self._waiting = self._waiting, []
            await self._confirm(waiting, await self._ends_now())

    async def _ends_now(self) -> Sequence[int]:
        """As soon as the broker tells them: as of now, so beyond all that was there when the requests were read."""
        while True:
            try:
                ends = await asyncio.to_thread(self._ends)
            except BrokerUnavailable as unknown:
                self._outage.begin("erasures", unknown)
                await asyncio.sleep(_ASK_AGAIN_S)
            else:
                self._outage.back("erasures")
                return ends

    async def _confirm(self, waiting: Sequence["_Waiting"], ends: Sequence[int]) -> None:
        sent: list[asyncio.Future[Any]] = []
        for partition, records in _by_partition(self._records(waiting, ends)).items():
            sent += await self._send(self._erasures, partition, records)
        await asyncio.gather(*sent)
        for one in waiting:
            if not one.accepted.done():  # whoever waits may have been stopped
                one.accepted.set_result(None)

    def _records(self, waiting: Sequence["_Waiting"], ends: Sequence[int]) -> Iterable[Output]:
        for one in waiting:
            accepted = Acceptance(one.wanted.topic_id, one.wanted.at_us, tuple(ends), one.wanted.requests)
            yield acceptance_record(self._erasures, one.partition, one.key, accepted, self._sign)


@dataclass(frozen=True, slots=True)
class _Waiting:
    partition: int
    key: bytes
    wanted: Acceptance
    accepted: "asyncio.Future[None]"


def acceptance_record(topic: str, partition: int, key: bytes, accepted: Acceptance, sign: Sign) -> Output:
    """An acceptance as a record of `erasures`."""
    value = erasure.encode_acceptance(accepted)
    return Output(topic, partition, key, value, sign(topic, partition, key, value, (_ACCEPTED,)))


def _by_partition(records: Iterable[Output]) -> Mapping[int, list[Output]]:
    found: dict[int, list[Output]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return found


def _request(record: Record, *, ours: bool) -> KnownRequest:
    """How a request is known again: by where it first came."""
    came_from = origin_in(record.headers) if ours else None
    partition, offset = (record.partition, record.offset) if came_from is None else came_from.position[:2]
    return partition, offset, record.timestamp


def _ordered(accepted: Acceptance) -> Acceptance:
    known = RowErasure.of(accepted)
    return Acceptance(accepted.topic_id, accepted.at_us, known.ends, known.requests)
