"""Asks the worker that owns a student's partition: this one, or another, whose answer is handed on.

    here? answer ──no──► who owns it? ──► asked once; 421: the group is looked at anew, and its owner asked once more
                             └── nobody, or away: 503, and when to come again

A worker that is asked by another answers by itself or says 421: nothing goes round in circles.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import msgspec

from agents.metrics import Metrics
from agents.metrics.declared.pages import QueryOutcome
from agents.peers import Peer, PeerRequests, Peers, PeerUnreachable, WorkerGroup
from agents.peers.request import ASKED_HEADER, MISDIRECTED
from agents.queries.pace import Pace
from schemas.student_answer import QueryRefusal
from streams.input.partitioner import OwningPartitionOfKey

RETRY_AFTER_S: Final = 2
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What is said to who asked. `location` is the path of the same answer by the student's own id, where it was asked
    for by another one.
    """

    status: int
    body: bytes
    content_type: str = JSON
    location: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """When to come again, where that helps; and whom the answer is about, where that is not who was asked about."""
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(RETRY_AFTER_S)}
        return {"Content-Location": self.location} if self.location else {}


AnswerHere = Callable[[int, bytes], Awaitable[QueryAnswer]]
"""Answers about the student of a key from the rows of a partition that is owned here."""


class Owners(Protocol):
    """Answers about a student: by whoever owns the student's partition."""

    async def answer(self, key: bytes, path: str, headers: Mapping[str, str], here: AnswerHere) -> QueryAnswer:
        """The answer about the student of a key, when its turn has come; `path` and `headers` are the request's."""
        ...


def no_answer(status: int, error: str, partial: Collection[str] = ()) -> QueryAnswer:
    """An answer that is none."""
    return QueryAnswer(status, msgspec.json.encode(QueryRefusal(error=error, partial=list(partial))))


class OwnersAnswers:
    """Implements Owners, of one worker. `owned` tells the partitions whose rows are here and complete."""

    def __init__(
        self,
        peers: Peers,
        requests: PeerRequests,
        owning_partition: OwningPartitionOfKey,
        owned: Callable[[], frozenset[int]],
        metrics: Metrics,
        pace: Pace,
    ) -> None:
        self._pace = pace
        self._peers, self._requests = peers, requests
        self._owning_partition, self._owned, self._metrics = owning_partition, owned, metrics

    async def answer(self, key: bytes, path: str, headers: Mapping[str, str], here: AnswerHere) -> QueryAnswer:
        """See Owners."""
        if (turn_s := self._pace.turn_s()) is None:
            self._metrics.queries.add("too_many")
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, "more questions a second than this worker takes up")
        await asyncio.sleep(turn_s)
        is_asked_by_a_worker = ASKED_HEADER in headers
        partition = self._owning_partition(key)
        if partition is None:
            found = await self._of_any(key, path, headers, here, ask_others=not is_asked_by_a_worker)
        elif partition in self._owned():
            found = await here(partition, key)
        elif is_asked_by_a_worker:
            found = no_answer(MISDIRECTED, "this worker does not own the student's partition")
        else:
            found = await self._of_owner(partition, path, headers)
        self._metrics.queries.add(_OUTCOMES.get(found.status, "other"))
        return found

    async def _of_owner(self, partition: int, path: str, headers: Mapping[str, str]) -> QueryAnswer:
        for anew in (False, True):
            group = await self._peers.group(anew=anew)
            owner = group.owner(partition)
            if owner is None or owner.is_self:
                continue
            found = await self._ask(owner, path, headers)
            if found.status != MISDIRECTED:
                return found
        return no_answer(
            HTTPStatus.SERVICE_UNAVAILABLE, "no worker has the student's partition ready: it moves, or is restored"
        )

    async def _ask(self, owner: Peer, path: str, headers: Mapping[str, str]) -> QueryAnswer:
        unreachable = no_answer(
            HTTPStatus.SERVICE_UNAVAILABLE, "the worker that owns the student is away", [owner.instance]
        )
        if not owner.is_live:
            return unreachable
        try:
            answer = await self._requests.get(owner, path, headers)
        except PeerUnreachable:
            return unreachable
        return QueryAnswer(answer.status, answer.body, answer.content_type)

    async def _of_any(
        self, key: bytes, path: str, headers: Mapping[str, str], here: AnswerHere, *, ask_others: bool
    ) -> QueryAnswer:
        """Where producers place keys as they like, the student may be on any partition, here or elsewhere."""
        found = no_answer(HTTPStatus.NOT_FOUND, "no such student")
        for partition in sorted(self._owned()):
            found = await here(partition, key)
            if found.status != HTTPStatus.NOT_FOUND:
                return found
        return await self._of_all_others(path, headers) if ask_others else found

    async def _of_all_others(self, path: str, headers: Mapping[str, str]) -> QueryAnswer:
        group: WorkerGroup = await self._peers.group()
        others = [peer for peer in group.workers if not peer.is_self]
        answers = await asyncio.gather(*(self._ask(peer, path, headers) for peer in others))
        if (known := next((each for each in answers if each.status not in _NOT_HERE), None)) is not None:
            return known
        asked = zip(others, answers, strict=True)
        silent = [peer.instance for peer, each in asked if each.status != HTTPStatus.NOT_FOUND]
        if silent:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, "not known here, and not all workers answer", silent)
        return no_answer(HTTPStatus.NOT_FOUND, "no such student")


_NOT_HERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE, MISDIRECTED})
_OUTCOMES: Final[Mapping[int, QueryOutcome]] = {
    HTTPStatus.OK: "answered",
    HTTPStatus.NOT_FOUND: "unknown",
    HTTPStatus.GONE: "erased",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
    MISDIRECTED: "misdirected",
}
