"""Collecting the sources' estimates: those that wait side by side, within a deadline; none able to stop the others."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from streams.evidence.source import Estimate, EstimateStatus, Source, WaitingSource, is_computed
from streams.rows.row_batch import RowBatch

FailureListener = Callable[[str, BaseException], None]
_OK, _STALE = np.int8(EstimateStatus.OK), np.int8(EstimateStatus.STALE)  # numpy looks long at a member of an enum
_ARRAYS: Final = ("p", "n", "age_s", "status", "shared", "out_of_range")


async def collect(
    sources: Sequence[Source],
    row_batch: RowBatch,
    *,
    skills: int,
    deadline_s: float,
    stale_after_s: float,
    on_failure: FailureListener,
) -> Mapping[str, Estimate]:
    """Ask every source about all of `row_batch`; takes as long as the slowest that waits, at most `deadline_s`, and as
    those that compute take one after the other.

    A source that raises, is late or answers nonsense is `failed`: its estimate is empty and `on_failure` is called with
    the reason. Raises only CancelledError.
    """
    shape = len(row_batch), skills
    if not len(row_batch):
        return {source.name: Estimate.empty(0, skills) for source in sources}
    asked = {source.name: ask(source, row_batch, shape, deadline_s) for source in sorted(sources, key=is_computed)}
    if all(map(is_computed, sources)):  # a task for each would cost more than what they compute of few rows
        answers = [await _settled(each) for each in asked.values()]
    else:  # those that wait are asked first, so that they wait while the others compute
        answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    by_name = dict(zip(asked, answers, strict=True))
    return {
        source.name: _heard(source.name, by_name[source.name], shape, stale_after_s, on_failure) for source in sources
    }


async def ask(source: Source, row_batch: RowBatch, shape: tuple[int, int], deadline_s: float | None = None) -> Estimate:
    """The estimate of either kind of source, of `shape`. Raises what it raises, TimeoutError where one that waits is
    late, and ValueError for an answer that makes no sense.
    """
    if is_computed(source):
        estimate = source.compute(row_batch)
    else:
        async with asyncio.timeout(deadline_s):
            estimate = await cast(WaitingSource, source).estimate(row_batch)
    require_sense(estimate, shape)
    return estimate


def require_sense(estimate: Estimate, shape: tuple[int, int]) -> None:
    """Raise ValueError unless every array has `shape` and holds what Estimate promises."""
    for name in _ARRAYS:
        if getattr(estimate, name).shape != shape:
            raise ValueError(f"answered {name} with shape {getattr(estimate, name).shape}, not {shape}")
    p, n, age_s, shared = estimate.p, estimate.n, estimate.age_s, estimate.shared
    said = (estimate.status == _OK) | (estimate.status == _STALE)
    of_size, of_age = (n >= 0) & (n < np.inf), (age_s >= 0) & (age_s < np.inf)
    of_share = (shared >= 0) & (shared <= 1)
    of_p = np.where(said, (p > 0) & (p < 1), n == 0)
    if np.count_nonzero(of_p & of_size & of_age & of_share) == n.size:  # of few numbers a tenth of `all`
        return
    if not of_p[said].all():
        raise ValueError("answered a probability outside of (0, 1)")
    if not (of_size & of_age).all():
        raise ValueError("answered a sample size or an age that is negative or not finite")
    if not of_share.all():
        raise ValueError("answered a shared part outside of [0, 1]")
    raise ValueError("answered a sample size where it has no estimate")


async def _settled(asked: Coroutine[Any, Any, Estimate]) -> Estimate | BaseException:
    """As `gather` gives it. Nothing is awaited in it, so a CancelledError is the source's own."""
    try:
        return await asked
    except (Exception, asyncio.CancelledError) as error:
        return error


def _heard(
    name: str,
    answer: Estimate | BaseException,
    shape: tuple[int, int],
    stale_after_s: float,
    on_failure: FailureListener,
) -> Estimate:
    """What a source's answer is taken for. Old evidence is flagged as stale, for consumers; it still counts: its
    reliability has fallen.
    """
    if isinstance(answer, BaseException):
        on_failure(name, answer)
        return Estimate.empty(*shape, EstimateStatus.FAILED)
    old = answer.age_s > stale_after_s
    if np.count_nonzero(old):
        answer.status[old & (answer.status == _OK)] = _STALE
    return answer
