"""Estimates on stored rows, asked of the sources that serve, a chunk at a time, each under its moments' norms."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import CARD_VERSION, Artifact, Card, SkillCard
from streams.evidence.collect import ask
from streams.evidence.features import features_of
from streams.evidence.model import ModelSource, model_source
from streams.evidence.registry import Types, make_sources
from streams.evidence.source import Estimate, Source, under_norms
from streams.evidence.trained_on import TrainedOn
from streams.norms.view import NormView
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import SkillSet
from streams.training.classifier import Fitted
from streams.training.errors import TrainingError
from streams.training.moments import Moment

_CHUNK: Final = 2_000
_ARRAYS: Final = tuple(array.name for array in fields(Estimate))


def feature_matrix(moments: Sequence[Moment], names: Sequence[str]) -> Floats:
    """Features at each moment, shape (moments, names)."""
    matrix = np.empty((len(moments), len(names)))
    for batch in normed_batches(moments, ()):
        matrix[batch.at] = features_of(batch.rows, names, norms=batch.norms)
    return matrix


def estimates_beside_model(
    moments: Sequence[Moment], skill_set: SkillSet, artifact: Artifact, types: Types
) -> dict[str, Estimate]:
    """The estimates of all sources but the model, beside the model in `artifact`. Raises TrainingError where one
    fails.
    """
    beside = tuple(each for each in types if each.name != ModelSource.name)
    sources = make_sources(beside, skill_set, artifact)
    return {source.name: estimated(source, moments, skill_set.names) for source in sources}


def estimated(source: Source, moments: Sequence[Moment], names: tuple[str, ...]) -> Estimate:
    """What a source says of each moment; `names` are the skills. Raises TrainingError where it fails."""
    return asyncio.run(_ask_source(source, moments, names))


async def _ask_source(source: Source, moments: Sequence[Moment], names: tuple[str, ...]) -> Estimate:
    parts, at = [], []
    for batch in normed_batches(moments, names):
        try:
            asked = under_norms(source, batch.norms)
            estimate = await ask(asked, batch.rows, (len(batch.rows), len(names)))
        except Exception as error:  # a fit without one of its sources would be another fit
            raise TrainingError(f"source {source.name} failed: {error!r}") from error
        parts.append(estimate)
        at.append(batch.at)
    return reordered(joined(parts), np.argsort(np.concatenate(at)))


def model_estimate(moments: Sequence[Moment], skill: str, fitted: Fitted) -> Estimate:
    """The model source's estimate if `fitted` were its model of `skill`; one column."""
    return estimated(model_source(provisional(skill, fitted), [skill]), moments, (skill,))


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


class NormedBatch(NamedTuple):
    """Rows of the moments with the indices `at`, which are under the same `norms`."""

    at: Indices
    rows: RowBatch
    norms: NormView | None


def normed_batches(moments: Sequence[Moment], names: tuple[str, ...]) -> Iterator[NormedBatch]:
    """As `row_batches`, with those that are under the same norms together."""
    of_norms: defaultdict[NormView | None, list[int]] = defaultdict(list)
    for index, moment in enumerate(moments):
        of_norms[moment.norms].append(index)
    for norms, indices in of_norms.items():
        for start in range(0, len(indices), _CHUNK):
            at = np.array(indices[start : start + _CHUNK])
            yield NormedBatch(at, RowBatch.of([moments[index].row for index in at.tolist()], names), norms)


def row_batches(moments: Sequence[Moment], names: tuple[str, ...]) -> Iterator[RowBatch]:
    """The moments' rows, so many at a time; `names` are the skills."""
    for start in range(0, len(moments), _CHUNK):
        yield RowBatch.of([moment.row for moment in moments[start : start + _CHUNK]], names)


def without(estimates: Mapping[str, Estimate], sources: Sequence[str]) -> dict[str, Estimate]:
    """All estimates, those not `sources` as if their source had failed."""
    return {
        name: estimate if name in sources else Estimate.empty(*estimate.p.shape) for name, estimate in estimates.items()
    }
