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
from schemas.update import read_update
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.explained import note_result, with_noted
from streams.reasoning.policy.pending import Sequence, is_pending
from streams.reasoning.policy.settings import LIMITER, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.rows.row import Row, SkillState
from streams.rows.row_batch import RowBatch
from streams.vocabulary import skill_code
from tests.events import NOW_US, default_skills, raw, record
from tests.stepped import CHANNELS, Stepped, owning_partition

ADA = b"ada"
OWNING = owning_partition(ADA)
Scores = dict[int, float]


@dataclass
class Noted:
    """A step, and whoever explains its student; `folded` counts the events."""

    stepped: Stepped = field(default_factory=Stepped)
    folded: int = 0

    def fold(self, **event: Any) -> None:
        self.folded += 1
        value = raw(event_id=f"e{self.folded}", minute=self.folded, **event)
        self.stepped.take(CHANNELS.activity, OWNING, [record(value, self.folded, partition=OWNING)])

    def ask(self) -> tuple[bytes, Sequence, Scores]:
        """Ask about the student as of now: the result as it is written, and what it is about."""
        return asyncio.run(self._ask())

    def read_back(self, *results: bytes) -> None:
        records = [FileRecord(0, NOW_US // 1000, result, CHANNELS.results, OWNING, ADA) for result in results]
        self.stepped.take(CHANNELS.results, OWNING, records)

    @property
    def row(self) -> Row:
        stored = self.stepped.rows.get(OWNING, ADA)
        assert stored is not None
        return decode_row(stored)

    @property
    def explained(self) -> Scores:
        return {
            code: skill_state.explained for code, skill_state in self.row.skills.items() if skill_state.explained >= 0
        }

    async def _ask(self) -> tuple[bytes, Sequence, Scores]:
        pipeline = self.stepped.pipeline
        row_batch = RowBatch.of([self.stepped.rows.get(OWNING, ADA)], pipeline.skill_set.names)
        scored = await pipeline.score(row_batch)
        [written] = pipeline.write([ADA], scored)
        update = read_update(written)
        limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
        await limiter.fill()
        registry = Registry()
        registry.register(limiter)
        prompt = Prompt(pipeline.skill_set)
        explainer = Explainer(ScriptedModel(), prompt, lambda: NOW_US, random.Random(1), registry=registry)
        _, result = await explainer.explain(update, row_batch.pending(0))
        row = decode_row(scored.rows.encode()[0])
        noted = {skill_code(name): row.skills[skill_code(name)].score for name in update.skills}
        return (
            msgspec.json.encode(with_noted(result, update.skills, scored.rows, pipeline.skill_set)),
            update.seq,
            noted,
        )


def test_movement_during_a_call_stays_pending_at_what_it_is_worth() -> None:
    noted = Noted()
    noted.fold(score=1.0, success=True)
    result, _, scores = noted.ask()
    for _ in range(12):
        noted.fold(score=0.0, success=False)
    noted.read_back(result)

    assert noted.explained == scores
    row = noted.row
    assert max(abs(row.skills[code].score - score) for code, score in scores.items()) > 0.05
    assert is_pending(row.pending)
    assert row.pending.since_us >= NOW_US
    assert len(noted.stepped.queue) == 1


def test_a_score_that_is_back_where_it_was_is_news_to_who_was_told_of_another() -> None:
    """Explained at 0.3, asked about at 0.9, at 0.3 again before the answer: nothing was pending, and now is."""
    code = skill_code("resilience")
    row = Row(offset=9, skills={code: SkillState(score=0.3, confidence=0.8, explained=0.3)})
    result = ReasoningResult(
        version=1,
        student_id="ada",
        seq=(0, 5),
        outcome="explained",
        attempts=0,
        at_us=NOW_US,
        explained={"resilience": 0.9},
    )
    note_result(row, result, default_skills(), PendingPolicy(), ())
    assert row.skills[code].explained == 0.9
    assert (is_pending(row.pending), row.pending.since_us) == (True, NOW_US)

    once = deepcopy(row)
    note_result(row, result, default_skills(), PendingPolicy(), ())
    assert row == once


def test_a_profile_is_pending_again_when_its_indicators_have_moved() -> None:
    """Without a score: the row's own number of it has to be carried with the result."""
    noted = Noted()
    for _ in range(6):
        noted.fold(kind="failure")
    result, _, _ = noted.ask()
    noted.read_back(result)
    assert noted.explained.keys() >= {skill_code("resilience")}
    assert not is_pending(noted.row.pending)

    for n in range(6):
        noted.fold(kind="retry", item_id=f"q{n}")
    assert is_pending(noted.row.pending)


def test_nothing_is_owed_where_nothing_moved() -> None:
    noted = Noted()
    for _ in range(6):
        noted.fold(score=1.0, success=True)
    result, _, scores = noted.ask()
    noted.read_back(result)
    assert noted.explained == scores
    assert not is_pending(noted.row.pending)


def test_a_small_movement_during_a_call_owes_nothing() -> None:
    noted = Noted()
    for _ in range(60):
        noted.fold(score=1.0, success=True)
    result, _, _ = noted.ask()
    noted.fold(score=1.0, success=True)
    noted.read_back(result)
    assert not is_pending(noted.row.pending)


def test_a_result_of_the_former_version_is_read_as_it_was() -> None:
    noted = Noted()
    for _ in range(6):
        noted.fold(score=1.0, success=True)
    former = {name: value for name, value in orjson.loads(noted.ask()[0]).items() if name != "explained"}
    noted.read_back(orjson.dumps(former))
    assert noted.explained == {
        code: skill_state.score for code, skill_state in noted.row.skills.items() if skill_state.score >= 0
    }


def test_a_failed_try_explains_nothing() -> None:
    noted = Noted()
    noted.fold(score=1.0, success=True)
    result = msgspec.json.decode(noted.ask()[0], type=ReasoningResult)
    noted.read_back(msgspec.json.encode(msgspec.structs.replace(result, outcome="failed")))
    assert noted.explained == {}


def test_skills_that_a_row_does_not_have_are_not_taken_in() -> None:
    noted = Noted()
    noted.fold(score=1.0, success=True)
    result = msgspec.json.decode(noted.ask()[0], type=ReasoningResult)
    noted.read_back(msgspec.json.encode(msgspec.structs.replace(result, explained={"made_up": 0.5})))
    assert noted.explained == {}


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
    noted = Noted()
    noted.fold(score=0.5, success=True)
    asked: list[tuple[bytes, Sequence, Scores]] = []
    newest: Sequence = (0, -1)
    kept: Scores = {}
    for step, given_ in plan:
        if step == "fold":
            noted.fold(score=float(bool(given_)), success=bool(given_))
        elif step == "ask":
            asked.append(noted.ask())
        elif asked:
            result, seq, scores = asked[int(given_ or 0) % len(asked)]
            noted.read_back(result, result)
            if seq > newest:
                newest, kept = seq, {**kept, **scores}
        assert noted.explained == kept
        queued = len(noted.stepped.queue) + noted.stepped.queue.in_flight
        assert queued == int(is_pending(noted.row.pending))
