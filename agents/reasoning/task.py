"""The task that spends the budget: takes the best pending student, has it explained, publishes the result.

    queue.best ──► row ──► update as of now ──► explainer ──► skill-reasoning
         ▲                                          └───────► reasoning-results ──► the table's agent ──► queue.settle
         └── spent, paused, unreachable: give the student back, wait

Never awaited by the table's agent. A crash costs at most the calls in flight. Whatever a reply causes, the explainer
turns into a result (`streams.reasoning.model.bulkhead`): what ends the worker from here is a send that failed, or a
fault in reading the table.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from aiokafka.errors import KafkaError

from agents.config.channels import Channels
from agents.delivery.errors import SendFailed
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.reasoning.dispatcher import Dispatcher
from agents.tracing import Traced
from schemas.dead_letter import Header
from schemas.explanation import Explanation, ReasoningResult
from schemas.update import read_update
from streams.limits import LimitUnavailable, RateLimitExceeded
from streams.pipeline import Pipeline
from streams.reasoning.asking import NotWanted
from streams.reasoning.counted import changes_of
from streams.reasoning.explainer import Explainer
from streams.reasoning.policy.breaker import ReasoningPaused
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.explained import with_noted
from streams.reasoning.policy.pending import given_up, is_pending, moved_skills, owed, reasoned
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.resting import RestingTenants
from streams.reasoning.policy.ticket import Ticket
from streams.reasoning.shared.flights import Flights, MemoryFlights
from streams.rows.codec import row_headers
from streams.rows.row import Pending
from streams.rows.row_batch import RowBatch
from streams.rows.table import Rows
from streams.spending.limits import NO_TENANT

_LONGEST_WAIT_S: Final = 30.0
_UNREACHABLE_WAIT_S: Final = 1.0
_LONGEST_CALL_S: Final = 120.0


@dataclass(slots=True)
class _Call:
    """A call about a student, begun at `began_ns` by the wall clock: whether its request was `sent`, and an explanation
    `published`.
    """

    sending: Callable[[], None]
    began_ns: int
    sent: bool = False
    published: bool = False

    def send(self) -> None:
        self.sent = True
        self.sending()


class Reasoner:
    """Serves the queue until cancelled. `now_us` is the clock of the rows' Pending column; `flights` has what other
    workers ask, nothing where there are none. `traced` are the worker's traces; None where they are off. Students of
    those who are `resting` wait.
    """

    def __init__(
        self,
        queue: ReasoningQueue,
        rows: Rows,
        pipeline: Pipeline,
        explainer: Explainer,
        writer: RecordBatchWriter,
        channels: Channels,
        now_us: Callable[[], int],
        observe: Callable[[Explanation], None],
        concurrency: Concurrency,
        flights: Flights | None = None,
        traced: Traced | None = None,
        resting: RestingTenants | None = None,
    ) -> None:
        self._queue = queue
        self._rows = rows
        self._pipeline = pipeline
        self._explainer = explainer
        self._writer = writer
        self._channels = channels
        self._now_us = now_us
        self._observe = observe
        self._concurrency = concurrency
        self._refills = 0
        self._traced = traced
        self._flights = flights or MemoryFlights(_LONGEST_CALL_S)
        self._resting = resting or RestingTenants()

    async def run(self) -> None:
        """Serve with as many students in flight as `concurrency` allows.

        Raises SendFailed; returns only when cancelled.
        """
        await Dispatcher(self._next, self._explain, self._concurrency).run()

    async def _next(self) -> Ticket | None:
        if self._queue.is_short:
            await self._refill()
        return self._queue.best(self._now_us())

    async def _refill(self) -> None:
        """Take up the students who were left out of a full queue: their rows still say that they are owed."""
        partitions = self._queue.left_out
        first = self._refills % len(partitions)  # which one is first, and finds most room, changes
        self._refills += 1
        for partition in partitions[first:] + partitions[:first]:
            self._queue.refill(partition, owed(self._rows.items(partition)))
            await asyncio.sleep(0)

    async def _explain(self, ticket: Ticket, sending: Callable[[], None]) -> float:
        """Explain one student; how long to wait before the next, in seconds. `sending` is called before a request."""
        row_batch = self._pending_row(ticket)
        if row_batch is None:
            self._queue.unspent(ticket)
            self._queue.settle(ticket.partition, ticket.key, ticket.seq, Pending())  # nothing is owed any more
            return 0.0
        now_us = self._now_us()
        if self._queue.give_up(ticket, now_us):
            self._queue.unspent(ticket)
            await self._publish(ticket, None, given_up(ticket.key.decode(), ticket.seq, now_us))
            return 0.0
        if (until_us := self._resting.until_us(ticket.key, now_us)) is not None:
            self._queue.release(ticket, until_us)
            return 0.0
        wait_s = await self._flights.begin(ticket.key, ticket.seq, reasoned(row_batch.pending(0)))
        if wait_s > 0:
            self._queue.release(ticket, now_us + round(wait_s * 1e6))
            return 0.0
        call = _Call(sending, now_us * 1_000)
        try:
            return await self._ask(ticket, row_batch, call)
        finally:
            if not (call.sent and call.published):  # nothing follows: anybody may make it
                await self._flights.end(ticket.key)

    async def _ask(self, ticket: Ticket, row_batch: RowBatch, call: "_Call") -> float:
        """As `_explain`, of a student whom no other worker asks about."""
        scorer = self._pipeline.scorer
        scored = await scorer.score(row_batch)
        [written] = scorer.write([ticket.key], scored)
        moved = moved_skills(scored, scorer.skill_set.levels, self._queue.policy)
        try:
            explanation, result = await self._explainer.explain(
                read_update(written),
                row_batch.pending(0),
                moved,
                changes_of(scored.rows, scorer.skill_set),
                wanted=lambda: self._queue.contains(ticket),
                sending=call.send,
            )
        except ReasoningPaused as paused:
            return self._wait(ticket, paused.retry_after_s)
        except RateLimitExceeded as spent:
            return self._wait(ticket, spent.retry_after_s, spent.whose)
        except LimitUnavailable as unreachable:
            return self._wait(ticket, _UNREACHABLE_WAIT_S, unreachable.whose)
        except NotWanted:
            return 0.0
        if not self._erased_since(ticket, row_batch):
            noted = with_noted(result, moved, scored.rows, scorer.skill_set)
            await self._publish(ticket, explanation, noted, self._trace(ticket, call, explanation))
            call.published = result.outcome == "explained"
        if not call.sent:
            self._queue.unspent(ticket)
        return 0.0

    def _wait(self, ticket: Ticket, wait_s: float, whose: str = NO_TENANT) -> float:
        """Give the student back; how long all have to wait: not at all, where it is one tenant that does."""
        wait_s = min(wait_s, _LONGEST_WAIT_S)
        if not whose:
            self._queue.release(ticket)
            return wait_s
        until_us = self._now_us() + round(wait_s * 1e6)
        self._resting.rest(whose, until_us)
        self._queue.release(ticket, until_us)
        return 0.0

    def _erased_since(self, ticket: Ticket, row_batch: RowBatch) -> bool:
        """Whether the student was erased while the model was asked: nothing may follow the tombstones."""
        stored = self._rows.get(ticket.partition, ticket.key)
        return stored is not None and bool(row_headers([stored])["erased_us"][0] > row_batch.headers["erased_us"][0])

    def _pending_row(self, ticket: Ticket) -> RowBatch | None:
        stored = self._rows.get(ticket.partition, ticket.key)
        if stored is None:
            return None
        row_batch = RowBatch.of([stored], self._pipeline.skill_set.names)
        return row_batch if is_pending(row_batch.pending(0)) else None

    def _trace(self, ticket: Ticket, call: _Call, explanation: Explanation | None) -> tuple[Header, ...]:
        if self._traced is None or explanation is None:
            return ()
        return self._traced.explained(ticket.key, call.began_ns, explanation.generator)

    async def _publish(
        self,
        ticket: Ticket,
        explanation: Explanation | None,
        result: ReasoningResult,
        headers: tuple[Header, ...] = (),
    ) -> None:
        """Explanation first, so that what is read back as explained has been published. It has these headers."""
        if explanation is not None:
            await self._send(
                self._channels.reasoning, ticket, OutRecord(ticket.key, msgspec.json.encode(explanation), headers)
            )
            self._observe(explanation)
        await self._send(self._channels.results, ticket, OutRecord(ticket.key, msgspec.json.encode(result)))

    async def _send(self, topic: str, ticket: Ticket, record: OutRecord) -> None:
        try:
            await asyncio.gather(*await self._writer.send(topic, ticket.partition, [record]))
        except KafkaError as error:
            raise SendFailed(f"{topic}: {error!r}") from error
