"""Collecting evidence: sources side by side, each within the deadline, none able to stop the others."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from streams.evidence.artifacts import NO_ARTIFACT
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.collect import collect
from streams.evidence.language import LanguageSource
from streams.evidence.model import ModelSource
from streams.evidence.source import Estimate, EstimateStatus, OwnThread, Source, SourceBusy
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.rows.row import Row
from streams.rows.row_batch import RowBatch
from tests.events import default_skills, folded, raw, records, row_batch_of, scores_of, updates_of
from tests.events import event as made

SKILLS = len(default_skills().names)
BLOCK = row_batch_of(Row(), Row())


def sure(rows: RowBatch) -> Estimate:
    shape = (len(rows), SKILLS)
    status = np.full(shape, EstimateStatus.OK, np.int8)
    return Estimate(
        np.full(shape, 0.8), np.full(shape, 4.0), np.zeros(shape), status, np.zeros(shape), np.zeros(shape, np.bool_)
    )


@dataclass
class Fake:
    """A source that does as it is told."""

    estimate_rows: Callable[[RowBatch], object]
    name: str = "stub"

    async def estimate(self, rows: RowBatch) -> Estimate:
        said = self.estimate_rows(rows)
        if asyncio.iscoroutine(said):
            said = await said
        return said  # type: ignore[return-value]


class Failures(list[tuple[str, BaseException]]):
    def __call__(self, name: str, error: BaseException) -> None:
        self.append((name, error))


async def ask(*sources: Source, deadline_s: float = 5.0, failures: Failures | None = None) -> dict[str, Estimate]:
    return dict(
        await collect(
            sources,
            BLOCK,
            skills=SKILLS,
            deadline_s=deadline_s,
            stale_after_s=86_400,
            on_failure=Failures() if failures is None else failures,
        )
    )


def statuses(estimate: Estimate) -> set[EstimateStatus]:
    return {EstimateStatus(int(status)) for status in estimate.status.flat}


async def test_sources_are_asked_side_by_side() -> None:
    """Each waits until all three have been asked; one after the other, none would ever answer."""
    all_asked = asyncio.Barrier(3)

    async def wait_for_the_others(rows: RowBatch) -> Estimate:
        await all_asked.wait()
        return sure(rows)

    estimates = await ask(*(Fake(wait_for_the_others, name) for name in ("one", "two", "three")))

    assert [statuses(estimate) for estimate in estimates.values()] == [{EstimateStatus.OK}] * 3


async def test_computing_sources_run_in_threads_of_their_own() -> None:
    all_computing = threading.Barrier(3)

    def wait_for_the_others(rows: RowBatch) -> Estimate:
        all_computing.wait(timeout=5)
        return sure(rows)

    threads = {name: OwnThread(name) for name in ("one", "two", "three")}
    fakes = [Fake(lambda rows, own=own: own.run(wait_for_the_others, rows), name) for name, own in threads.items()]  # type: ignore[misc]

    estimates = await ask(*fakes)

    assert [statuses(estimate) for estimate in estimates.values()] == [{EstimateStatus.OK}] * 3


async def test_few_rows_are_computed_at_once_and_more_in_the_thread() -> None:
    threads: list[str] = []

    def compute(rows: RowBatch) -> Estimate:
        threads.append(threading.current_thread().name)
        return sure(rows)

    own = OwnThread("either", inline_rows=2)
    for count in (2, 3):
        await own.run(compute, RowBatch.of([None] * count, ("skill",)))

    assert threads == [threading.current_thread().name, "evidence-either_0"]


def broken(**columns: object) -> Callable[[RowBatch], Estimate]:
    return lambda rows: replace(sure(rows), **columns)  # type: ignore[arg-type]


def raises(_rows: RowBatch) -> Estimate:
    raise RuntimeError("the model is gone")


def cancels(_rows: RowBatch) -> Estimate:
    raise asyncio.CancelledError


FULL = np.ones((2, SKILLS))
NONSENSE = {
    "raises": raises,
    "cancels itself": cancels,
    "answers None": lambda _rows: None,
    "one row too few": lambda rows: sure(rows.take([0])),
    "sizes of another shape": broken(n=np.ones((2, 1))),
    "statuses of another shape": broken(status=np.ones(2, np.int8)),
    "probability 1": broken(p=FULL),
    "probability 0": broken(p=FULL * 0),
    "probability NaN": broken(p=FULL * np.nan),
    "negative size": broken(n=FULL * -1),
    "infinite size": broken(n=FULL * np.inf),
    "NaN age": broken(age_s=FULL * np.nan),
    "a size without an estimate": broken(status=np.zeros((2, SKILLS), np.int8)),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
async def test_a_source_that_breaks_is_failed_and_the_others_are_heard(
    answer: Callable[[RowBatch], object],
) -> None:
    failures = Failures()

    estimates = await ask(Fake(answer, "broken"), Fake(sure, "sound"), failures=failures)

    assert statuses(estimates["broken"]) == {EstimateStatus.FAILED}
    assert not estimates["broken"].n.any()
    assert statuses(estimates["sound"]) == {EstimateStatus.OK}
    [(name, error)] = failures
    assert name == "broken"
    assert isinstance(error, BaseException)


async def test_a_judge_that_raises_before_it_is_awaited_is_a_failure_too() -> None:
    class Hasty:
        name = "hasty"

        def estimate(self, rows: RowBatch) -> "asyncio.Future[Estimate]":
            raise RuntimeError("at once")

    estimates = await ask(Hasty(), Fake(sure, "sound"))  # type: ignore[arg-type]

    assert statuses(estimates["hasty"]) == {EstimateStatus.FAILED}
    assert statuses(estimates["sound"]) == {EstimateStatus.OK}


async def test_a_hanging_source_costs_the_deadline_and_no_more() -> None:
    never, failures = asyncio.Event(), Failures()

    async def hang(_rows: RowBatch) -> None:
        await never.wait()

    async with asyncio.timeout(5):
        estimates = await ask(Fake(hang, "hanging"), Fake(sure, "sound"), deadline_s=0.02, failures=failures)

    assert statuses(estimates["hanging"]) == {EstimateStatus.FAILED}
    assert statuses(estimates["sound"]) == {EstimateStatus.OK}
    assert isinstance(failures[0][1], TimeoutError)


async def test_a_hanging_thread_is_not_given_more_work_until_it_is_free() -> None:
    free, failures, started = threading.Event(), Failures(), list[int]()

    def hang(rows: RowBatch) -> Estimate:
        started.append(len(rows))
        assert free.wait(timeout=10)
        return sure(rows)

    own = OwnThread("hanging")
    fake = Fake(lambda rows: own.run(hang, rows))
    try:
        for _ in range(3):
            await ask(fake, deadline_s=0.02, failures=failures)
        assert [type(error) for _, error in failures] == [TimeoutError, SourceBusy, SourceBusy]
        assert len(started) == 1
    finally:
        free.set()
    async with asyncio.timeout(5):
        while statuses((await ask(fake))["stub"]) != {EstimateStatus.OK}:
            pass
    assert len(started) == 2


async def test_batches_of_two_partitions_wait_for_each_other_and_neither_is_degraded() -> None:
    go, own = threading.Event(), OwnThread("shared")

    def compute(rows: RowBatch) -> Estimate:
        assert go.wait(timeout=10)
        return sure(rows)

    both = [asyncio.create_task(own.run(compute, BLOCK)) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()

    assert [statuses(estimate) for estimate in await asyncio.gather(*both)] == [{EstimateStatus.OK}] * 2


async def test_what_waited_behind_a_hanging_call_is_dropped_with_it() -> None:
    free, own, started = threading.Event(), OwnThread("shared"), list[int]()

    def hang(rows: RowBatch) -> Estimate:
        started.append(1)
        assert free.wait(timeout=10)
        return sure(rows)

    try:
        await asyncio.gather(*(ask(Fake(lambda rows: own.run(hang, rows)), deadline_s=0.02) for _ in range(3)))
        with pytest.raises(SourceBusy):
            await own.run(hang, BLOCK)
    finally:
        free.set()
    async with asyncio.timeout(5):
        while True:
            try:
                await own.run(sure, BLOCK)
                break
            except SourceBusy:
                await asyncio.sleep(0)
    assert started == [1]


async def test_old_evidence_is_marked_stale() -> None:
    estimates = await ask(Fake(broken(age_s=FULL * 86_401), "old"), Fake(broken(age_s=FULL * 86_400), "new"))

    assert statuses(estimates["old"]) == {EstimateStatus.STALE}
    assert statuses(estimates["new"]) == {EstimateStatus.OK}


async def test_the_own_sources_pass_their_own_check() -> None:
    rows = row_batch_of(Row(), folded(made(), made("message", text="sorry to hear"), made("rubric")))
    skill_set = default_skills()
    sources: list[Source] = [
        ModelSource(NO_ARTIFACT, skill_set.names),
        LanguageSource(),
        BehaviourSource(skill_set),
    ]
    failures = Failures()
    await collect(sources, rows, skills=SKILLS, deadline_s=5, stale_after_s=1e9, on_failure=failures)

    assert failures == []


@pytest.mark.parametrize("answer", [raises, lambda rows: sure(rows.take([]))], ids=["raises", "wrong shape"])
async def test_a_failing_source_degrades_the_update_which_is_published_nonetheless(
    answer: Callable[[RowBatch], Estimate],
) -> None:
    skill_set, failures = default_skills(), Failures()

    def pipeline(language: Source) -> Replay:
        sources = [Fake(sure, "model"), language, BehaviourSource(skill_set)]
        return Replay(Pipeline(skill_set, NO_ARTIFACT, on_failure=failures, sources=sources))

    taken = records([raw("message", text="hello"), raw("attempt", score=0.4)])
    updates = [
        updates_of(await pipeline(language).feed(taken))[0]
        for language in (Fake(answer, "language"), LanguageSource(), Fake(sure, "language"))
    ]
    failed, absent, sound = (scores_of(update)["problem_solving"] for update in updates)

    assert [update.degraded for update in updates] == [["language"], [], []]
    for score, status in ((failed, "failed"), (absent, "absent"), (sound, "ok")):
        assert score.contributions["language"].status == status
    assert failed.score == absent.score
    assert failed.confidence < sound.confidence


async def test_without_what_was_fitted_there_is_no_score_and_what_was_seen_is_shown() -> None:
    skill_set = default_skills()
    taken = records([raw("attempt", score=0.4)])
    for model, degraded in ((Fake(raises, "model"), ["model"]), (Fake(sure, "model"), [])):
        sources: list[Source] = [model, LanguageSource(), BehaviourSource(skill_set)]
        replay = Replay(Pipeline(skill_set, NO_ARTIFACT, on_failure=Failures(), sources=sources))
        [update] = updates_of(await replay.feed(taken))

        assert update.degraded == degraded
        assert update.skills["problem_solving"].kind == ("profile" if degraded else "score")


async def test_with_every_source_failed_the_update_still_says_so_and_what_was_seen() -> None:
    sources = [Fake(raises, name) for name in ("model", "language", "behaviour")]
    replay = Replay(Pipeline(default_skills(), NO_ARTIFACT, on_failure=Failures(), sources=sources))

    [update] = updates_of(await replay.feed(records([raw()])))

    assert update.degraded == ["behaviour", "language", "model"]
    assert not scores_of(update)
    assert update.skills.keys() == {"problem_solving", "collaboration"}
