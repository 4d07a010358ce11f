"""An answer about a student: as in the newest update, looked up side by side, marked where a part is missing."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from agents.queries.answers import Missing, NotLookedUp, StudentAnswers
from agents.queries.lookups import BehaviourBySkill, Existence, LanguageBySkill, RowLookups, StoredStudent
from agents.queries.pace import Pace
from agents.queries.together import Together
from schemas.errors import Retryable
from schemas.student_answer import StudentAnswer
from schemas.update import SkillProfile, SkillUpdate, read_update
from streams.context import ProcessingContext
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.codec import encode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from tests.artifacts import of_a_former_trainer
from tests.events import default_pipeline, default_skills, fail_source, raw, records
from tests.norms import snapshot_of
from tests.unit.strategies import streams

ADA = b"ada"


def folded(taken: list[FileRecord], pipeline: Pipeline) -> tuple[PartitionedRows, Mapping[bytes, bytes]]:
    """The rows, and the update of each student."""
    rows = PartitionedRows()
    outcome = asyncio.run(pipeline.process({0: taken}, ProcessingContext(rows=rows)))
    rows.put_many(0, outcome.partitions[0].rows)
    return rows, outcome.partitions[0].updates


def answers_of(pipeline: Pipeline, timeout_s: float = 60.0) -> StudentAnswers:
    return StudentAnswers(RowLookups(pipeline), lambda: pipeline.scorer.catalogue_entry, timeout_s)


def answer(row: bytes | None, key: bytes = ADA) -> StudentAnswer | Missing:
    return asyncio.run(answers_of(default_pipeline()).answer(StoredStudent(key, row)))


@given(streams(max_size=12))
@settings(max_examples=15)
def test_an_answer_says_of_every_skill_what_the_newest_update_says(taken: list[FileRecord]) -> None:
    rows, updates = folded(taken, default_pipeline())
    for key, written in updates.items():
        update, found = read_update(written), answer(rows.get(0, key), key)
        assert isinstance(found, StudentAnswer)
        assert (found.student_id, found.seq, found.as_of) == (update.student_id, update.seq, update.as_of)
        assert found.config_version == update.config_version
        assert (found.mastery, found.changed, found.class_id) == (update.mastery, update.changed, update.class_id)
        assert found.skills.keys() == update.skills.keys()
        for name, skill in update.skills.items():
            described = found.skills[name]
            assert described.kind == skill.kind
            assert [item.fact for item in described.evidence] == [item.fact for item in skill.evidence]
            if not isinstance(skill, SkillProfile):
                assert (described.score, described.level) == (skill.score, skill.level)
            else:
                assert {each.name: each.count for each in (found.behaviour or {}).get(name, [])} == {
                    indicator: pytest.approx(rate.count) for indicator, rate in skill.indicators.items()
                }


def test_an_answer_names_the_norms_in_force() -> None:
    pipeline = Pipeline(default_skills(), of_a_former_trainer(), on_failure=fail_source)
    rows, _ = folded(records([raw()]), pipeline)
    pipeline.put_norms(view := NormView(snapshot_of()))

    found = asyncio.run(answers_of(pipeline).answer(StoredStudent(ADA, rows.get(0, ADA))))

    assert isinstance(found, StudentAnswer)
    assert found.norms_version == view.version


def test_an_answer_has_the_catalogue_s_texts() -> None:
    events = [raw("failure", minute=1), raw("retry", minute=2), raw("attempt", minute=3, score=0.9)]
    rows, _ = folded(records(events), default_pipeline())

    found = answer(rows.get(0, ADA))

    assert isinstance(found, StudentAnswer)
    resilience = found.skills["resilience"]
    assert resilience.definition
    assert all("{" not in item.text and item.text != item.fact for item in resilience.evidence)
    counted = {each.name: each for each in (found.behaviour or {})["resilience"]}
    assert all("{" not in each.text and each.of > 0 for each in counted.values())
    assert found.partial == []


def test_it_says_how_much_was_read() -> None:
    text = "I tried again and again until it worked, and then I asked for help"
    rows, _ = folded(records([raw("reflection", text=text)]), default_pipeline())

    found = answer(rows.get(0, ADA))

    assert isinstance(found, StudentAnswer)
    assert found.language
    assert {read.texts for read in found.language.values()} == {1.0}


@pytest.mark.parametrize(
    ("row", "existence"),
    [(None, "unknown"), (encode_row(Row()), "unknown"), (encode_row(Row(erased_us=5)), "erased")],
)
def test_who_is_not_known_or_was_erased_has_no_answer(row: bytes | None, existence: Existence) -> None:
    assert answer(row) == existence


class MetAtABarrier:
    """Look-ups none of which returns before all four have begun."""

    def __init__(self, inner: RowLookups) -> None:
        self._inner = inner
        self._barrier = asyncio.Barrier(4)

    async def existence(self, student: StoredStudent) -> Existence:
        await self._barrier.wait()
        return await self._inner.existence(student)

    async def behaviour(self, student: StoredStudent) -> BehaviourBySkill:
        await self._barrier.wait()
        return await self._inner.behaviour(student)

    async def language(self, student: StoredStudent) -> LanguageBySkill:
        await self._barrier.wait()
        return await self._inner.language(student)

    async def last_scores(self, student: StoredStudent) -> SkillUpdate | None:
        await self._barrier.wait()
        return await self._inner.last_scores(student)


def test_no_look_up_waits_for_another() -> None:
    pipeline = default_pipeline()
    rows, _ = folded(records([raw()]), pipeline)
    student = StoredStudent(ADA, rows.get(0, ADA))

    async def asked() -> StudentAnswer | Missing:
        lookups = MetAtABarrier(RowLookups(pipeline))
        return await StudentAnswers(lookups, lambda: pipeline.scorer.catalogue_entry, 60.0).answer(student)

    assert isinstance(asyncio.run(asked()), StudentAnswer)


class Failing(RowLookups):
    """Look-ups that fail, are late, or never end, as told by name."""

    def __init__(self, pipeline: Pipeline, failing: str = "", late: str = "", hanging: str = "") -> None:
        super().__init__(pipeline)
        self._failing, self._late, self._hanging = failing, late, hanging
        self.cancelled: list[str] = []

    async def _may_fail(self, name: str) -> None:
        if name == self._failing:
            raise Retryable("the disk does not answer")
        if name == self._late:
            raise TimeoutError
        if name == self._hanging:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise

    async def existence(self, student: StoredStudent) -> Existence:
        await self._may_fail("existence")
        return await super().existence(student)

    async def behaviour(self, student: StoredStudent) -> BehaviourBySkill:
        await self._may_fail("behaviour")
        return await super().behaviour(student)

    async def language(self, student: StoredStudent) -> LanguageBySkill:
        await self._may_fail("language")
        return await super().language(student)

    async def last_scores(self, student: StoredStudent) -> SkillUpdate | None:
        await self._may_fail("last_scores")
        return await super().last_scores(student)


def asked_of(lookups: RowLookups, row: bytes | None, timeout_s: float = 60.0) -> StudentAnswer | Missing:
    entry = default_pipeline().scorer.catalogue_entry
    return asyncio.run(StudentAnswers(lookups, lambda: entry, timeout_s).answer(StoredStudent(ADA, row)))


@pytest.mark.parametrize(("failing", "late"), [("behaviour", "language"), ("language", "behaviour")])
def test_what_cannot_be_looked_up_is_named_and_the_rest_is_answered(failing: str, late: str) -> None:
    rows, _ = folded(records([raw()]), default_pipeline())

    found = asked_of(Failing(default_pipeline(), failing, late), rows.get(0, ADA))

    assert isinstance(found, StudentAnswer)
    assert found.partial == ["behaviour", "language"]
    assert (found.behaviour, found.language) == (None, None)
    assert found.skills


@pytest.mark.parametrize("name", ["existence", "last_scores"])
def test_without_existence_or_scores_there_is_no_answer(name: str) -> None:
    rows, _ = folded(records([raw()]), default_pipeline())
    for lookups in (Failing(default_pipeline(), name), Failing(default_pipeline(), hanging=name)):
        with pytest.raises(NotLookedUp):
            asked_of(lookups, rows.get(0, ADA), 0.05)


def test_who_does_not_exist_is_not_waited_for() -> None:
    lookups = Failing(default_pipeline(), hanging="last_scores")

    assert asked_of(lookups, None) == "unknown"
    assert lookups.cancelled == ["last_scores"]


def test_what_is_asked_at_the_same_time_is_computed_together_and_no_more_than_some() -> None:
    sizes: list[int] = []

    async def doubled(asked: list[int]) -> list[int]:
        sizes.append(len(asked))
        if 7 in asked:
            raise ValueError("no seven")
        return [2 * each for each in asked]

    async def ask() -> list[int | BaseException]:
        together: Together[int, int] = Together(doubled, 5)  # type: ignore[arg-type]
        cancelled = asyncio.create_task(together.ask(99))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await asyncio.gather(*map(together.ask, range(10)), return_exceptions=True)

    found = asyncio.run(ask())

    assert found[:5] == [0, 2, 4, 6, 8]
    assert all(isinstance(each, ValueError) for each in found[5:])
    assert sizes == [5, 5]


def test_questions_are_taken_up_at_a_pace_some_at_once_and_too_many_not() -> None:
    now = [0.0]
    pace = Pace(64, lambda: now[0])
    turns = [pace.turn_s() for _ in range(200)]

    assert turns[:9] == [0.0] * 9, "what comes at once"
    assert turns[9:11] == [1 / 64, 2 / 64]
    assert [turn for turn in turns if turn is not None][-1] == 1.0
    assert turns[73:] == [None] * 127
    now[0] = 10.0
    assert pace.turn_s() == 0.0
