"""Collecting the sources' estimates: at once, each within the deadline, none able to stop the others."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from streams.evidence.source import Estimate, EstimateStatus, Source
from streams.rows.row_batch import RowBatch

FailureListener = Callable[[str, BaseException], None]


async def collect(
    sources: Sequence[Source],
    row_batch: RowBatch,
    *,
    skills: int,
    deadline_s: float,
    stale_after_s: float,
    on_failure: FailureListener,
) -> Mapping[str, Estimate]:
    """Ask every source about all of `row_batch`; takes as long as the slowest, at most `deadline_s`.

    A source that raises, is late or answers nonsense is `failed`: its estimate is empty and `on_failure` is called with
    the reason. Raises only CancelledError.
    """
    if not len(row_batch):
        return {source.name: Estimate.empty(0, skills) for source in sources}
    answers = await asyncio.gather(
        *(_ask(source, row_batch, (len(row_batch), skills), deadline_s) for source in sources), return_exceptions=True
    )
    estimates = {}
    for source, answer in zip(sources, answers, strict=True):
        if isinstance(answer, Estimate):
            estimates[source.name] = _flag_stale(answer, stale_after_s)
        else:
            on_failure(source.name, answer)
            estimates[source.name] = Estimate.empty(len(row_batch), skills, EstimateStatus.FAILED)
    return estimates


async def _ask(source: Source, row_batch: RowBatch, shape: tuple[int, int], deadline_s: float) -> Estimate:
    estimate = await asyncio.wait_for(source.estimate(row_batch), deadline_s)
    require_sense(estimate, shape)
    return estimate


def require_sense(estimate: Estimate, shape: tuple[int, int]) -> None:
    """Raise ValueError unless every array has `shape` and holds what Estimate promises."""
    for name in ("p", "n", "age_s", "status", "shared", "out_of_range"):
        if getattr(estimate, name).shape != shape:
            raise ValueError(f"answered {name} with shape {getattr(estimate, name).shape}, not {shape}")
    said = (estimate.status == EstimateStatus.OK) | (estimate.status == EstimateStatus.STALE)
    if not np.all((estimate.p[said] > 0) & (estimate.p[said] < 1)):
        raise ValueError("answered a probability outside of (0, 1)")
    if not np.all((estimate.n >= 0) & np.isfinite(estimate.n) & (estimate.age_s >= 0) & np.isfinite(estimate.age_s)):
        raise ValueError("answered a sample size or an age that is negative or not finite")
    if not np.all((estimate.shared >= 0) & (estimate.shared <= 1)):
        raise ValueError("answered a shared part outside of [0, 1]")
    if np.any(estimate.n[~said]):
        raise ValueError("answered a sample size where it has no estimate")


def _flag_stale(estimate: Estimate, stale_after_s: float) -> Estimate:
    """Flag old evidence as stale, for consumers. It still counts: its reliability has fallen."""
    estimate.status[(estimate.status == EstimateStatus.OK) & (estimate.age_s > stale_after_s)] = EstimateStatus.STALE
    return estimate
