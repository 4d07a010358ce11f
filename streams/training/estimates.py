"""Estimates on stored rows, asked of the sources that serve, a chunk at a time."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import CARD_VERSION, Artifact, Card, SkillCard
from streams.evidence.collect import ask
from streams.evidence.features import features_of
from streams.evidence.model import ModelSource
from streams.evidence.registry import Types, make_sources
from streams.evidence.source import Estimate, Source
from streams.evidence.trained_on import TrainedOn
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import SkillSet
from streams.training.classifier import Fitted
from streams.training.errors import TrainingError
from streams.training.moments import Moment

_CHUNK: Final = 2_000
_ARRAYS: Final = tuple(array.name for array in fields(Estimate))


def feature_matrix(moments: Sequence[Moment], names: Sequence[str]) -> Floats:
    """Features at each moment, shape (moments, names)."""
    return np.concatenate([features_of(row_batch, names) for row_batch in row_batches(moments, ())])


def estimates_beside_model(
    moments: Sequence[Moment], skill_set: SkillSet, artifact: Artifact, types: Types
) -> dict[str, Estimate]:
    """The estimates of all sources but the model, beside the model in `artifact`. Raises TrainingError where one
    fails.
    """
    beside = tuple(each for each in types if each.name != ModelSource.name)
    sources = make_sources(beside, skill_set, artifact)
    return {source.name: asyncio.run(_ask_source(source, moments, skill_set.names)) for source in sources}


async def _ask_source(source: Source, moments: Sequence[Moment], names: tuple[str, ...]) -> Estimate:
    parts = []
    for row_batch in row_batches(moments, names):
        try:
            estimate = await ask(source, row_batch, (len(row_batch), len(names)))
        except Exception as error:  # a fit without one of its sources would be another fit
            raise TrainingError(f"source {source.name} failed: {error!r}") from error
        parts.append(estimate)
    return joined(parts)


def model_estimate(moments: Sequence[Moment], skill: str, fitted: Fitted) -> Estimate:
    """The model source's estimate if `fitted` were its model of `skill`; one column."""
    return estimated(ModelSource(provisional(skill, fitted), [skill]).compute, moments, (skill,))


def provisional(
    skill: str,
    fitted: Fitted,
    trained_on: TrainedOn | None = None,
    platforms: Mapping[str, tuple[str, ...]] | None = None,
) -> Artifact:
    """An artifact of one model, not yet stored."""
    card = SkillCard(
        file="",
        sha256="",
        features=fitted.features,
        labels="",
        examples=0,
        students=0,
        metrics={},
        trained_on=trained_on,
    )
    whole = Card(version=CARD_VERSION, name="", trained_with={}, skills={skill: card}, platforms=dict(platforms or {}))
    return Artifact(whole, {skill: fitted.model}, "0" * 64)


def joined(parts: Sequence[Estimate]) -> Estimate:
    """Estimates on several lists of students as one on them all."""
    return Estimate(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS})


def reordered(estimate: Estimate, order: NDArray[np.intp]) -> Estimate:
    """The rows of `estimate` in another order."""
    return Estimate(**{name: getattr(estimate, name)[order] for name in _ARRAYS})


def estimated(compute: Callable[[RowBatch], Estimate], moments: Sequence[Moment], names: tuple[str, ...]) -> Estimate:
    """What a source's plain function says of each moment; `names` are the skills."""
    return joined([compute(row_batch) for row_batch in row_batches(moments, names)])


def row_batches(moments: Sequence[Moment], names: tuple[str, ...]) -> Iterator[RowBatch]:
    """The moments' rows, so many at a time; `names` are the skills."""
    for start in range(0, len(moments), _CHUNK):
        yield RowBatch.of([moment.row for moment in moments[start : start + _CHUNK]], names)


def without(estimates: Mapping[str, Estimate], sources: Sequence[str]) -> dict[str, Estimate]:
    """All estimates, those not `sources` as if their source had failed."""
    return {
        name: estimate if name in sources else Estimate.empty(*estimate.p.shape) for name, estimate in estimates.items()
    }
