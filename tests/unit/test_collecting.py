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
from streams.evidence.source import Opinion, OwnThread, Source, SourceBusy, Status
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.rows.row import Row
from streams.rows.row_batch import Block
from tests.events import block_of, default_skills, folded, raw, records
from tests.events import event as made

SKILLS = len(default_skills().names)
BLOCK = block_of(Row(), Row())


def sure(block: Block) -> Opinion:
    shape = (len(block), SKILLS)
    status = np.full(shape, Status.OK, np.int8)
    return Opinion(np.full(shape, 0.8), np.full(shape, 4.0), np.zeros(shape), status, np.zeros(shape))


@dataclass
class Stub:
    """A source that does as it is told."""

    judge_block: Callable[[Block], object]
    name: str = "stub"

    async def judge(self, block: Block) -> Opinion:
        said = self.judge_block(block)
        if asyncio.iscoroutine(said):
            said = await said
        return said  # type: ignore[return-value]


class Failures(list[tuple[str, BaseException]]):
    def __call__(self, name: str, error: BaseException) -> None:
        self.append((name, error))


async def ask(*sources: Source, deadline_s: float = 5.0, failures: Failures | None = None) -> dict[str, Opinion]:
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


def statuses(opinion: Opinion) -> set[Status]:
    return {Status(int(status)) for status in opinion.status.flat}


async def test_sources_are_asked_side_by_side() -> None:
    """Each waits until all three have been asked; one after the other, none would ever answer."""
    all_asked = asyncio.Barrier(3)

    async def wait_for_the_others(block: Block) -> Opinion:
        await all_asked.wait()
        return sure(block)

    opinions = await ask(*(Stub(wait_for_the_others, name) for name in ("one", "two", "three")))

    assert [statuses(opinion) for opinion in opinions.values()] == [{Status.OK}] * 3


async def test_computing_sources_run_in_threads_of_their_own() -> None:
    all_computing = threading.Barrier(3)

    def wait_for_the_others(block: Block) -> Opinion:
        all_computing.wait(timeout=5)
        return sure(block)

    threads = {name: OwnThread(name) for name in ("one", "two", "three")}
    stubs = [Stub(lambda block, own=own: own.run(wait_for_the_others, block), name) for name, own in threads.items()]  # type: ignore[misc]

    opinions = await ask(*stubs)

    assert [statuses(opinion) for opinion in opinions.values()] == [{Status.OK}] * 3


def broken(**columns: object) -> Callable[[Block], Opinion]:
    return lambda block: replace(sure(block), **columns)  # type: ignore[arg-type]


def raises(_block: Block) -> Opinion:
    raise RuntimeError("the model is gone")


def cancels(_block: Block) -> Opinion:
    raise asyncio.CancelledError


FULL = np.ones((2, SKILLS))
NONSENSE = {
    "raises": raises,
    "cancels itself": cancels,
    "answers None": lambda _block: None,
    "one row too few": lambda block: sure(block.take([0])),
    "sizes of another shape": broken(n=np.ones((2, 1))),
    "statuses of another shape": broken(status=np.ones(2, np.int8)),
    "probability 1": broken(p=FULL),
    "probability 0": broken(p=FULL * 0),
    "probability NaN": broken(p=FULL * np.nan),
    "negative size": broken(n=FULL * -1),
    "infinite size": broken(n=FULL * np.inf),
    "NaN age": broken(age_s=FULL * np.nan),
    "a size without an opinion": broken(status=np.zeros((2, SKILLS), np.int8)),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
async def test_a_source_that_breaks_is_failed_and_the_others_are_heard(
    answer: Callable[[Block], object],
) -> None:
    failures = Failures()

    opinions = await ask(Stub(answer, "broken"), Stub(sure, "sound"), failures=failures)

    assert statuses(opinions["broken"]) == {Status.FAILED}
    assert not opinions["broken"].n.any()
    assert statuses(opinions["sound"]) == {Status.OK}
    [(name, error)] = failures
    assert name == "broken"
    assert isinstance(error, BaseException)


async def test_a_judge_that_raises_before_it_is_awaited_is_a_failure_too() -> None:
    class Hasty:
        name = "hasty"

        def judge(self, block: Block) -> "asyncio.Future[Opinion]":
            raise RuntimeError("at once")

    opinions = await ask(Hasty(), Stub(sure, "sound"))  # type: ignore[arg-type]

    assert statuses(opinions["hasty"]) == {Status.FAILED}
    assert statuses(opinions["sound"]) == {Status.OK}


async def test_a_hanging_source_costs_the_deadline_and_no_more() -> None:
    never, failures = asyncio.Event(), Failures()

    async def hang(_block: Block) -> None:
        await never.wait()

    async with asyncio.timeout(5):
        opinions = await ask(Stub(hang, "hanging"), Stub(sure, "sound"), deadline_s=0.02, failures=failures)

    assert statuses(opinions["hanging"]) == {Status.FAILED}
    assert statuses(opinions["sound"]) == {Status.OK}
    assert isinstance(failures[0][1], TimeoutError)


async def test_a_hanging_thread_is_not_given_more_work_until_it_is_free() -> None:
    free, failures, started = threading.Event(), Failures(), list[int]()

    def hang(block: Block) -> Opinion:
        started.append(len(block))
        assert free.wait(timeout=10)
        return sure(block)

    own = OwnThread("hanging")
    stub = Stub(lambda block: own.run(hang, block))
    try:
        for _ in range(3):
            await ask(stub, deadline_s=0.02, failures=failures)
        assert [type(error) for _, error in failures] == [TimeoutError, SourceBusy, SourceBusy]
        assert len(started) == 1
    finally:
        free.set()
    async with asyncio.timeout(5):
        while statuses((await ask(stub))["stub"]) != {Status.OK}:
            pass
    assert len(started) == 2


async def test_batches_of_two_partitions_wait_for_each_other_and_neither_is_degraded() -> None:
    go, own = threading.Event(), OwnThread("shared")

    def compute(block: Block) -> Opinion:
        assert go.wait(timeout=10)
        return sure(block)

    both = [asyncio.create_task(own.run(compute, BLOCK)) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()

    assert [statuses(opinion) for opinion in await asyncio.gather(*both)] == [{Status.OK}] * 2


async def test_what_waited_behind_a_hanging_call_is_dropped_with_it() -> None:
    free, own, started = threading.Event(), OwnThread("shared"), list[int]()

    def hang(block: Block) -> Opinion:
        started.append(1)
        assert free.wait(timeout=10)
        return sure(block)

    try:
        await asyncio.gather(*(ask(Stub(lambda block: own.run(hang, block)), deadline_s=0.02) for _ in range(3)))
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
    opinions = await ask(Stub(broken(age_s=FULL * 86_401), "old"), Stub(broken(age_s=FULL * 86_400), "new"))

    assert statuses(opinions["old"]) == {Status.STALE}
    assert statuses(opinions["new"]) == {Status.OK}


async def test_the_own_sources_pass_their_own_check() -> None:
    block = block_of(Row(), folded(made(), made("message", text="sorry to hear"), made("rubric")))
    skill_set = default_skills()
    sources: list[Source] = [
        ModelSource(NO_ARTIFACT, skill_set.names),
        LanguageSource(),
        BehaviourSource(skill_set),
    ]
    failures = Failures()
    await collect(sources, block, skills=SKILLS, deadline_s=5, stale_after_s=1e9, on_failure=failures)

    assert failures == []


@pytest.mark.parametrize("answer", [raises, lambda block: sure(block.take([]))], ids=["raises", "wrong shape"])
async def test_a_failing_source_degrades_the_update_which_is_published_nonetheless(
    answer: Callable[[Block], Opinion],
) -> None:
    skill_set, failures = default_skills(), Failures()

    def pipeline(model: Source) -> Replay:
        sources = [model, LanguageSource(), BehaviourSource(skill_set)]
        return Replay(Pipeline(skill_set, NO_ARTIFACT, on_failure=failures, sources=sources))

    taken = records([raw("message", text="I kept trying"), raw("attempt", score=0.4)])
    [failed], _ = await pipeline(Stub(answer, "model")).feed(taken)
    [absent], _ = await pipeline(ModelSource(NO_ARTIFACT, skill_set.names)).feed(taken)
    [sound], _ = await pipeline(Stub(sure, "model")).feed(taken)

    assert [update.degraded for update in (failed, absent, sound)] == [["model"], [], []]
    for update, status in ((failed, "failed"), (absent, "absent"), (sound, "ok")):
        assert update.skills["resilience"].contributions["model"].status == status
    assert failed.skills["resilience"].score == absent.skills["resilience"].score
    assert failed.skills["resilience"].confidence < sound.skills["resilience"].confidence


async def test_with_every_source_failed_the_update_still_says_so() -> None:
    sources = [Stub(raises, name) for name in ("model", "language", "behaviour")]
    replay = Replay(Pipeline(default_skills(), NO_ARTIFACT, on_failure=Failures(), sources=sources))

    [update], _ = await replay.feed(records([raw()]))

    assert update.degraded == ["behaviour", "language", "model"]
    assert update.skills == {}
