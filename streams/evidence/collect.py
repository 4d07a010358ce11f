"""Collecting the sources' opinions: at once, each within the deadline, none able to stop the others."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from streams.evidence.source import Opinion, Source, Status
from streams.rows.row_batch import Block

FailureListener = Callable[[str, BaseException], None]


async def collect(
    sources: Sequence[Source],
    block: Block,
    *,
    skills: int,
    deadline_s: float,
    stale_after_s: float,
    on_failure: FailureListener,
) -> Mapping[str, Opinion]:
    """Ask every source about all of `block`; takes as long as the slowest, at most `deadline_s`.

    A source that raises, is late or answers nonsense is `failed`: its opinion is empty and `on_failure`
    hears why. Raises only CancelledError.
    """
    if not len(block):
        return {source.name: Opinion.empty(0, skills) for source in sources}
    answers = await asyncio.gather(
        *(_ask(source, block, (len(block), skills), deadline_s) for source in sources), return_exceptions=True
    )
    opinions = {}
    for source, answer in zip(sources, answers, strict=True):
        if isinstance(answer, Opinion):
            opinions[source.name] = _mark_stale(answer, stale_after_s)
        else:
            on_failure(source.name, answer)
            opinions[source.name] = Opinion.empty(len(block), skills, Status.FAILED)
    return opinions


async def _ask(source: Source, block: Block, shape: tuple[int, int], deadline_s: float) -> Opinion:
    opinion = await asyncio.wait_for(source.judge(block), deadline_s)
    require_sense(opinion, shape)
    return opinion


def require_sense(opinion: Opinion, shape: tuple[int, int]) -> None:
    """Raise ValueError unless every array has `shape` and holds what Opinion says."""
    for name in ("p", "n", "age_s", "status", "shared"):
        if getattr(opinion, name).shape != shape:
            raise ValueError(f"answered {name} with shape {getattr(opinion, name).shape}, not {shape}")
    said = (opinion.status == Status.OK) | (opinion.status == Status.STALE)
    if not np.all((opinion.p[said] > 0) & (opinion.p[said] < 1)):
        raise ValueError("answered a probability outside of (0, 1)")
    if not np.all((opinion.n >= 0) & np.isfinite(opinion.n) & (opinion.age_s >= 0) & np.isfinite(opinion.age_s)):
        raise ValueError("answered a sample size or an age that is negative or not finite")
    if not np.all((opinion.shared >= 0) & (opinion.shared <= 1)):
        raise ValueError("answered a shared part outside of [0, 1]")
    if np.any(opinion.n[~said]):
        raise ValueError("answered a sample size where it has no opinion")


def _mark_stale(opinion: Opinion, stale_after_s: float) -> Opinion:
    """Old evidence still counts (its reliability has fallen); consumers are told."""
    opinion.status[(opinion.status == Status.OK) & (opinion.age_s > stale_after_s)] = Status.STALE
    return opinion
