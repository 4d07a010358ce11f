"""The protocols of a source of evidence, the estimate that it returns, and the type that declares it.

A fourth source is a class with a `name` and an `estimate` or, where it only computes, a `compute`; a SourceType; and a
line in the registry (docs/sources.md).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.norms.view import NormView
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


class EstimateStatus(IntEnum):
    """Why a source's column is empty, or that it is not."""

    ABSENT = 0
    OK = 1
    STALE = 2
    FAILED = 3


_OK: Final = np.int8(EstimateStatus.OK)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One source's estimate; every array has shape (students, skills).

    `p` is a probability in (0, 1), NaN where absent; `n` the effective sample size; `age_s` the age of the newest
    evidence, at the row's `as_of`. `shared` is the part of n, 0 to 1, that rests on what the sources which its type
    `overlaps` count too. `out_of_range`: the student is unlike all whom the source was trained on.
    """

    p: NDArray[np.float64]
    n: NDArray[np.float64]
    age_s: NDArray[np.float64]
    status: NDArray[np.int8]
    shared: NDArray[np.float64]
    out_of_range: NDArray[np.bool_]

    @classmethod
    def empty(cls, students: int, skills: int, status: EstimateStatus = EstimateStatus.ABSENT) -> "Estimate":
        """An empty estimate, because of `status`."""
        shape = (students, skills)
        return cls(
            p=np.full(shape, np.nan),
            n=np.zeros(shape),
            age_s=np.zeros(shape),
            status=np.full(shape, status.value, np.int8),
            shared=np.zeros(shape),
            out_of_range=np.zeros(shape, np.bool_),
        )


def status_where(known: NDArray[np.bool_]) -> NDArray[np.int8]:
    """OK where something is known, ABSENT elsewhere."""
    return known.astype(np.int8) * _OK


@dataclass(frozen=True, slots=True)
class RecordedEstimate(Estimate):
    """What a remote source said when an update was made, as the update has it.

    `log_odds` is what it added to logit p: rounded as it is, it gives the score more exactly than a rounded p would.
    """

    log_odds: NDArray[np.float64]


class WaitingSource(Protocol):
    """A source that waits for what is elsewhere. `estimate` may raise or be slow: the collection has a deadline and
    takes either as failure.
    """

    @property
    def name(self) -> str: ...

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        """Estimate every skill of every row. Reads the row batch, never changes it."""
        ...


class ComputedSource(Protocol):
    """A source that computes, in microseconds a row, and waits for nothing: it has `compute` in place of `estimate`.

    It is asked where the batch is worked on. Nothing can interrupt it, so there is no deadline: what it says counts
    however long it took, and is the same on a slow machine. It may raise, which is a failure.
    """

    @property
    def name(self) -> str: ...

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        """As `estimate` of those that wait."""
        ...


Source = WaitingSource | ComputedSource


def is_computed(source: Source) -> TypeGuard[ComputedSource]:
    """Whether a source says of itself that it only computes: whatever has `estimate` waits."""
    return not hasattr(source, "estimate")


class NormedSource(Protocol):
    """A source, of either kind, that reads norms where there are any. `compares_cohorts` says whether it compares
    students with their cohort.
    """

    @property
    def name(self) -> str: ...

    @property
    def compares_cohorts(self) -> bool: ...

    def with_norms(self, norms: NormView | None, /) -> Source:
        """The same source under these norms, or without any; this one stays as it is. Takes microseconds."""
        ...


def reads_norms(source: Source | NormedSource) -> TypeGuard[NormedSource]:
    """Whether norms make a difference to a source."""
    return hasattr(source, "with_norms")


def under_norms(source: Source, norms: NormView | None) -> Source:
    """The source under these norms, or without any; one to which they make no difference as it is."""
    return source.with_norms(norms) if reads_norms(source) else source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType:
    """A source, declared: fusion, updates, training, verification and `config_version` go by this alone.

    `make` builds it; what it raises makes the skills file wrong. Where the source is present, the scores rest on labels
    if it is `trained`. It `overlaps` the sources named: where one of them is present, too, its weight and evidence
    count only for the part that its estimates do not share. Training tries each of `kappas`, the observations that make
    the source half as reliable as it can be; without any, the skill set's is used.

    A `remote` source is never asked again by `verify`, which goes by the estimates in the updates; they do not tell
    what is shared, so it has to be the same for all, `share`. Change `version` when the same row gets another estimate.
    """

    name: str
    make: Callable[[SkillSet, Artifact], Source]
    trained: bool = False
    overlaps: tuple[str, ...] = ()
    share: float | None = None
    kappas: tuple[float, ...] = ()
    remote: bool = False
    version: str = "1"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a source: small letters, digits and _, 32 at most")
        if self.share is not None and not 0 <= self.share <= 1:
            raise ValueError(f"source {self.name}: share must be within 0 to 1, is {self.share}")
        if self.remote and self.overlaps and self.share is None:
            raise ValueError(f"source {self.name}: a remote source that overlaps others must declare its share")

    @property
    def declared(self) -> tuple[object, ...]:
        """All that moves scores, but for `make`."""
        return (self.name, self.version, self.trained, self.overlaps, self.share, self.remote)
