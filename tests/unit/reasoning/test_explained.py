"""What a row keeps as explained is what was explained, whatever came between the question and its answer."""

import asyncio
import random
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.explanation import ReasoningResult
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.reasoning import LIMITER, Explainer, Prompt, Pseudonyms, ScriptedModel
from streams.reasoning.policy.explained import note
from streams.reasoning.policy.pending import Sequence, is_pending
from streams.reasoning.policy.settings import PendingPolicy
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.rows.row import Row, SkillCell, skill_code
from streams.rows.row_batch import Block
from tests.events import NOW_US, default_skills, raw, record
from tests.stepped import CHANNELS, Stepped, home
from tests.unit.reasoning.samples import SECRET

ADA = b"ada"
HOME = home(ADA)
Scores = dict[int, float]


@dataclass
class Told:
    """A step, and whoever explains its student; `folded` counts the events."""

    stepped: Stepped = field(default_factory=Stepped)
    folded: int = 0

    def fold(self, **event: Any) -> None:
        self.folded += 1
        value = raw(event_id=f"e{self.folded}", minute=self.folded, **event)
        self.stepped.take(CHANNELS.activity, HOME, [record(value, self.folded, partition=HOME)])

    def ask(self) -> tuple[bytes, Sequence, Scores]:
        """Ask about the student as of now: the result as it is written, and what it is about."""
        return asyncio.run(self._ask())

    def read_back(self, *results: bytes) -> None:
        records = [FileRecord(0, NOW_US // 1000, result, CHANNELS.results, HOME, ADA) for result in results]
        self.stepped.take(CHANNELS.results, HOME, records)

    @property
    def row(self) -> Row:
        stored = self.stepped.rows.get(HOME, ADA)
        assert stored is not None
        return decode_row(stored)

    @property
    def explained(self) -> Scores:
        return {code: cell.explained for code, cell in self.row.skills.items() if cell.explained >= 0}

    async def _ask(self) -> tuple[bytes, Sequence, Scores]:
        pipeline = self.stepped.pipeline
        block = Block.of([self.stepped.rows.get(HOME, ADA)], pipeline.skill_set.names)
        update = (await pipeline.score(["ada"], block))[0]
        limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
        await limiter.fill()
        registry = Registry()
        registry.register(limiter)
        prompt = Prompt(pipeline.skill_set, Pseudonyms(SECRET))
        explainer = Explainer(ScriptedModel(), prompt, lambda: NOW_US, random.Random(1), registry=registry)
        _, result = await explainer.explain(update, block.pending(0))
        scores = {skill_code(name): skill.score for name, skill in update.skills.items()}
        return msgspec.json.encode(result), update.seq, scores


def test_movement_during_a_call_stays_pending_at_what_it_is_worth() -> None:
    told = Told()
    told.fold(score=1.0, success=True)
    result, _, scores = told.ask()
    for _ in range(12):
        told.fold(score=0.0, success=False)
    told.read_back(result)

    assert told.explained == scores
    row = told.row
    assert max(abs(row.skills[code].score - score) for code, score in scores.items()) > 0.05
    assert is_pending(row.pending)
    assert row.pending.since_us >= NOW_US
    assert len(told.stepped.queue) == 1


def test_a_score_that_is_back_where_it_was_is_news_to_who_was_told_of_another() -> None:
    """Explained at 0.3, asked about at 0.9, at 0.3 again before the answer: nothing was pending, and now is."""
    code = skill_code("resilience")
    row = Row(offset=9, skills={code: SkillCell(score=0.3, confidence=0.8, explained=0.3)})
    result = ReasoningResult(
        version=1,
        student_id="ada",
        seq=(0, 5),
        outcome="explained",
        attempts=0,
        at_us=NOW_US,
        explained={"resilience": 0.9},
    )
    note(row, result, default_skills(), PendingPolicy())
    assert row.skills[code].explained == 0.9
    assert (is_pending(row.pending), row.pending.since_us) == (True, NOW_US)

    once = deepcopy(row)
    note(row, result, default_skills(), PendingPolicy())
    assert row == once


def test_nothing_is_owed_where_nothing_moved() -> None:
    told = Told()
    for _ in range(6):
        told.fold(score=1.0, success=True)
    result, _, scores = told.ask()
    told.read_back(result)
    assert told.explained == scores
    assert not is_pending(told.row.pending)


def test_a_small_movement_during_a_call_owes_nothing() -> None:
    told = Told()
    for _ in range(60):
        told.fold(score=1.0, success=True)
    result, _, _ = told.ask()
    told.fold(score=1.0, success=True)
    told.read_back(result)
    assert not is_pending(told.row.pending)


def test_a_result_of_the_former_version_is_read_as_it_was() -> None:
    told = Told()
    for _ in range(6):
        told.fold(score=1.0, success=True)
    former = {name: value for name, value in orjson.loads(told.ask()[0]).items() if name != "explained"}
    told.read_back(orjson.dumps(former))
    assert told.explained == {code: cell.score for code, cell in told.row.skills.items() if cell.score >= 0}


def test_a_failed_try_explains_nothing() -> None:
    told = Told()
    told.fold(score=1.0, success=True)
    result = msgspec.json.decode(told.ask()[0], type=ReasoningResult)
    told.read_back(msgspec.json.encode(msgspec.structs.replace(result, outcome="failed")))
    assert told.explained == {}


def test_skills_that_a_row_does_not_have_are_not_taken_in() -> None:
    told = Told()
    told.fold(score=1.0, success=True)
    result = msgspec.json.decode(told.ask()[0], type=ReasoningResult)
    told.read_back(msgspec.json.encode(msgspec.structs.replace(result, explained={"made_up": 0.5})))
    assert told.explained == {}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("fold"), st.booleans()),
        st.just(("ask", None)),
        st.tuples(st.just("read"), st.integers(0, 5)),
    ),
    min_size=4,
    max_size=24,
)


@settings(deadline=None, max_examples=40)
@given(steps)
def test_what_is_kept_is_what_the_newest_result_was_about_for_any_interleaving(
    plan: list[tuple[str, bool | int | None]],
) -> None:
    told = Told()
    told.fold(score=0.5, success=True)
    asked: list[tuple[bytes, Sequence, Scores]] = []
    newest: Sequence = (0, -1)
    kept: Scores = {}
    for step, given_ in plan:
        if step == "fold":
            told.fold(score=float(bool(given_)), success=bool(given_))
        elif step == "ask":
            asked.append(told.ask())
        elif asked:
            result, seq, scores = asked[int(given_ or 0) % len(asked)]
            told.read_back(result, result)
            if seq > newest:
                newest, kept = seq, {**kept, **scores}
        assert told.explained == kept
        queued = len(told.stepped.queue) + told.stepped.queue.in_flight
        assert queued == int(is_pending(told.row.pending))
