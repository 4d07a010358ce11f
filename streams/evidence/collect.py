"""Collecting the sources' opinions: at once, each within the deadline, none able to stop the others."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from streams.evidence.source import Opinion, Source, Status
from streams.row import Row

FailureListener = Callable[[str, BaseException], None]


async def collect(
    sources: Sequence[Source],
    rows: Sequence[Row],
    *,
    skills: int,
    deadline_s: float,
    stale_after_s: float,
    on_failure: FailureListener,
) -> Mapping[str, Opinion]:
    """Ask every source about all `rows`; takes as long as the slowest, at most `deadline_s`.

    A source that raises, is late or answers in the wrong shape is `failed`: its opinion is empty and `on_failure`
    hears why. Raises only CancelledError.
    """
    answers = await asyncio.gather(
        *(asyncio.wait_for(source.judge(rows), deadline_s) for source in sources), return_exceptions=True
    )
    opinions = {}
    for source, answer in zip(sources, answers, strict=True):
        if isinstance(answer, Opinion) and answer.p.shape == (len(rows), skills):
            opinions[source.name] = _mark_stale(answer, stale_after_s)
            continue
        if isinstance(answer, Opinion):
            answer = ValueError(f"answered with shape {answer.p.shape}, not {(len(rows), skills)}")
        on_failure(source.name, answer)
        opinions[source.name] = Opinion.empty(len(rows), skills, Status.FAILED)
    return opinions


def _mark_stale(opinion: Opinion, stale_after_s: float) -> Opinion:
    """Old evidence still counts (its reliability has fallen); consumers are told."""
    opinion.status[(opinion.status == Status.OK) & (opinion.age_s > stale_after_s)] = Status.STALE
    return opinion
