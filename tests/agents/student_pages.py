"""Workers' pages of students, with rows, explanations and an audit trail in memory."""

from collections.abc import Callable, Collection, Sequence
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import msgspec

from agents.queries import LastExplanations, OwnersAnswers, RowLookups, StudentAnswers
from agents.queries.any_id import AnswersByAnyId, OtherIds
from agents.queries.pace import Pace
from agents.queries.student import StudentQueries
from agents.web import RoleTokens
from agents.web.pages import Page
from agents.web.student_page import student_page_for_people
from agents.web.students import student_pages
from schemas.examples import EXPLANATION
from streams.context import ProcessingContext
from streams.input.partitioner import OwningPartitionOfKey
from streams.rows.table import PartitionedRows
from tests.agents.memory_audit import MemoryTrail
from tests.agents.worker_group import Answer, Member, Members
from tests.events import NOW_MS, default_pipeline, raw, record

TOKEN: Final = "a reader's own token, 2"
TOKENS: Final = RoleTokens("an operator's own token", TOKEN)
BEARER: Final = {"Authorization": f"Bearer {TOKEN}"}
EXPLAINED: Final = msgspec.json.encode(EXPLANATION)


def partition_of(key: bytes) -> int:
    """By the id's last character, so that a test sees where a student is."""
    return key[-1] % 4


def nowhere(_key: bytes) -> None:
    """Producers place keys as they like."""


Clock = Callable[[], float]


class Explained:
    """Implements ExplanationLog: explanations by key; `failure` is raised, `hangs` blocks."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, bytes] = {}
        self.failure: Exception | None = None
        self.asked: list[set[int]] = []

    def read_on(self, partitions: Collection[int]) -> None:
        self.asked.append(set(partitions))
        if self.failure is not None:
            raise self.failure

    def find(self, partition: int, key: bytes) -> bytes | None:
        return self.by_key.get(key)


class Students:
    """Rows of one worker, and what it answers about them."""

    def __init__(
        self,
        owning_partition: OwningPartitionOfKey = partition_of,
        per_s: float = 100_000,
        clock_s: Clock = monotonic,
        others: OtherIds | None = None,
    ) -> None:
        self._pace = Pace(per_s, clock_s)
        self.rows = PartitionedRows()
        self.explained, self.audit = Explained(), MemoryTrail()
        self._owning_partition, self._others = owning_partition, others

    def pages(self, member: Member) -> Sequence[Page]:
        pipeline = default_pipeline()
        lookups = RowLookups(pipeline)
        answers = StudentAnswers(lookups, lambda: pipeline.scorer.catalogue_entry, 60.0)
        queries = StudentQueries(
            self.rows, pipeline.skill_set.names, lookups, answers, LastExplanations(self.explained, 60.0)
        )

        def owned() -> frozenset[int]:
            return member.partitions if member.ready else frozenset()

        metrics = member.situation.metrics
        owners = OwnersAnswers(member.peers, member.requests, self._owning_partition, owned, metrics, self._pace)
        asked = owners if self._others is None else AnswersByAnyId(owners, self._others)
        reads = self.audit.reads
        return [*student_pages(asked, queries, reads), student_page_for_people(asked, queries, reads)]

    async def fold(self, student: str, partition: int | None = None, events: Sequence[bytes] = ()) -> None:
        key = student.encode()
        at = partition_of(key) if partition is None else partition
        values = events or [raw(student=student)]
        later_ms = NOW_MS + 90 * 86_400_000
        taken = {
            at: [
                record(value, offset, key=key, partition=at, timestamp=later_ms) for offset, value in enumerate(values)
            ]
        }
        outcome = await default_pipeline().process(taken, ProcessingContext(rows=self.rows))
        self.rows.put_many(at, outcome.partitions[at].rows)


async def start(group: Members, name: str, students: Students, *partitions: int, **given: Any) -> Member:
    return await group.start(name, *partitions, more_pages=students.pages, tokens=TOKENS, **given)


async def ask(member: Member, student: str, more: str = "", **headers: str) -> Answer:
    return await member.get(f"students/{quote(student, safe='')}{more}", **{**BEARER, **headers})
