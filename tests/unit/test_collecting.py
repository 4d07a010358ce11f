"""Collecting evidence: sources that wait side by side, each within the deadline; none able to stop the others."""

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
from streams.evidence.source import Estimate, EstimateStatus, Source
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


@dataclass
class Computed:
    """A source that only computes, as it is told."""

    compute: Callable[[RowBatch], Estimate]
    name: str = "stub"


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


async def test_what_waits_is_asked_first_and_what_computes_is_computed_meanwhile() -> None:
    order: list[str] = []
    computed = asyncio.Event()

    async def wait(rows: RowBatch) -> Estimate:
        order.append("asked")
        await computed.wait()
        order.append("answered")
        return sure(rows)

    def compute(rows: RowBatch) -> Estimate:
        order.append("computed")
        computed.set()
        return sure(rows)

    estimates = await ask(Computed(compute, "local"), Fake(wait, "remote"))

    assert order == ["asked", "computed", "answered"]
    assert list(estimates) == ["local", "remote"]
    assert [statuses(estimate) for estimate in estimates.values()] == [{EstimateStatus.OK}] * 2


async def test_sources_that_only_compute_do_so_in_place_and_let_nothing_else_run() -> None:
    threads: list[int] = []
    others_ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(others_ran.set)

    def compute(rows: RowBatch) -> Estimate:
        threads.append(threading.get_ident())
        return sure(rows)

    await ask(*(Computed(compute, name) for name in ("one", "two", "three")))

    assert threads == [threading.get_ident()] * 3
    assert not others_ran.is_set()


async def test_what_is_computed_counts_however_long_it_took() -> None:
    """Whoever waited for it has waited, and a slow machine must not change scores."""
    never, failures = asyncio.Event(), Failures()

    async def hang(_rows: RowBatch) -> None:
        await never.wait()

    estimates = await ask(Computed(sure), Fake(hang, "remote"), deadline_s=0.0, failures=failures)

    assert statuses(estimates["stub"]) == {EstimateStatus.OK}
    assert statuses(estimates["remote"]) == {EstimateStatus.FAILED}
    assert [(name, type(error)) for name, error in failures] == [("remote", TimeoutError)]


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
    "a part shared beyond 1": broken(shared=FULL * 1.5),
    "a part shared that is NaN": broken(shared=FULL * np.nan),
    "a size without an estimate": broken(status=np.zeros((2, SKILLS), np.int8)),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("kind", [Fake, Computed])
async def test_a_source_that_breaks_is_failed_and_the_others_are_heard(
    answer: Callable[[RowBatch], object], kind: Callable[..., Source]
) -> None:
    failures = Failures()

    estimates = await ask(kind(answer, "broken"), kind(sure, "sound"), failures=failures)

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

    async with asyncio.timeout(60):
        estimates = await ask(Fake(hang, "hanging"), Fake(sure, "sound"), deadline_s=0.02, failures=failures)

    assert statuses(estimates["hanging"]) == {EstimateStatus.FAILED}
    assert statuses(estimates["sound"]) == {EstimateStatus.OK}
    assert isinstance(failures[0][1], TimeoutError)


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
    assert failed.contributions["language"].status == "failed"
    assert "language" not in absent.contributions
    assert sound.contributions["language"].status == "ok"
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
