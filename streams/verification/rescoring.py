"""Scores of replayed rows, computed again as they were when an update was made: with the sources that failed then
failing.

A remote source is not asked again: its estimate may differ by now, costs, and may fail. Its estimate of then is taken
from the update itself, so that all but its own estimates is compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final

import msgspec
import numpy as np

from schemas.dialects import Decode, decode
from schemas.errors import Fatal
from schemas.fusion_config import Overrides
from schemas.update import read_update
from streams.evidence.artifacts import Artifact
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import Estimate, EstimateStatus, RecordedEstimate, Source, reads_norms
from streams.input.signature import Authentic, nobody
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS, Row
from streams.rows.row_batch import RowBatch
from streams.scoring.fusion import subsets
from streams.scoring.overrides import NO_OVERRIDES, version_of
from streams.scoring.scorer import Scorer
from streams.skills.skill_set import SkillSet
from streams.verification.audit import AuditFinding, NotCompared
from streams.verification.configurations import Configurations, KnownNorms, NoConfigurations, NoNorms
from streams.verification.published import PublishedMastery, PublishedUpdate, shorten

ROUNDING_TOLERANCE: Final = 1e-4 + 1e-9
"""Updates are rounded to four digits: what differs by 1e-9 may be rounded to neighbours."""
RECORDED_TOLERANCE: Final = 1e-6 + 1e-9
"""What a remote source said is written with six digits: what is made of it is as exact."""

_DEADLINE_S: Final = 300.0

Failing = tuple[str, ...]
"""Names of the sources that failed, in order."""


class SourceFailed(Fatal):
    """A source that should work failed here: the scores cannot be compared."""


class Rescoring:
    """One skill set and one artifact, what `configurations` override of them, and the norms that were in force.

    A deadline does not pass here for want of a fast machine.
    """

    def __init__(
        self,
        skill_set: SkillSet,
        artifact: Artifact,
        decode: Decode = decode,
        known_ids: int = KNOWN_IDS,
        authentic: Authentic = nobody,
        components: int = COMPONENTS_PER_STUDENT,
        configurations: Configurations | None = None,
        norms: KnownNorms | None = None,
    ) -> None:
        self._configurations = configurations or NoConfigurations()
        self._norms = norms or NoNorms()
        types = types_of(skill_set)
        local = tuple(each for each in types if not each.remote)
        made: dict[str, Source] = {source.name: source for source in make_sources(local, skill_set, artifact)}
        self._recorded = {each.name: _Recorded(each.name) for each in types if each.remote}
        self._sources = [made.get(each.name) or self._recorded[each.name] for each in types]
        self._artifact = artifact
        self.pipeline = Pipeline(
            skill_set,
            artifact,
            on_failure=_fail,
            sources=self._sources,
            decode=decode,
            known_ids=known_ids,
            components=components,
            authentic=authentic,
        )
        patient = msgspec.structs.replace(skill_set.fusion, deadline_s=_DEADLINE_S)
        self._patient = msgspec.structs.replace(skill_set, fusion=patient)
        self._pipelines: dict[Failing, Pipeline] = {}
        self._scorers: dict[tuple[Failing, str], Scorer] = {}

    def knows(self, failing: Failing) -> bool:
        """Whether these are sources of ours."""
        return set(failing) <= {source.name for source in self._sources}

    def overrides_in(self, config_version: str) -> Overrides | NotCompared | None:
        """What an update of that version was made under; None where its skill set or artifact is not ours."""
        base = self.pipeline.base_version
        if config_version == base:
            return NO_OVERRIDES
        version = config_version.removeprefix(f"{base}-")
        if version == config_version:
            return None
        return self._configurations.find(version) or NotCompared(
            "their update names a configuration that fusion-config does not hold"
        )

    def norms_in(self, norms_version: str) -> NormView | NotCompared | None:
        """The norms that an update or a row of that version was scored under; None for "", and where they are not there
        but make no difference to any source.
        """
        if not norms_version:
            return None
        found = self._norms.find(norms_version)
        if found is None and any(map(reads_norms, self._sources)):
            return NotCompared("their update names norms that the topic does not hold")
        return found

    def all_overrides(self) -> list[Overrides]:
        """All that a row may have been scored under."""
        return [NO_OVERRIDES, *self._configurations.all()]

    @property
    def remote(self) -> tuple[str, ...]:
        """The sources that are not asked again."""
        return tuple(self._recorded)

    def masks(self) -> Iterator[Failing]:
        """All that may have failed together."""
        return subsets(sorted(source.name for source in self._sources))

    async def score(
        self,
        rows: dict[bytes, Row],
        published: Mapping[bytes, PublishedUpdate],
        failing: Failing = (),
        overrides: Overrides = NO_OVERRIDES,
        norms: NormView | None = None,
    ) -> Mapping[bytes, PublishedUpdate]:
        """What the update of each row says under `overrides` and `norms` when `failing` fail, and remote sources say
        what they said of the `published` one. Replaces the rows by such as hold these scores.

        Raises SourceFailed when another source fails.
        """
        for source in self._recorded.values():
            source.play([published[student] for student in rows], self._patient.names)
        scorer = self._scorer(failing, overrides).with_norms(norms)
        scored = await scorer.score(RowBatch.of_rows(list(rows.values()), self._patient.names))
        updates = scorer.write(list(rows), scored)
        rows.update(zip(rows, map(decode_row, scored.rows.encode()), strict=True))
        return {key: shorten(read_update(update)) for key, update in zip(rows, updates, strict=True)}

    def _scorer(self, failing: Failing, overrides: Overrides) -> Scorer:
        key = failing, version_of(overrides)
        if key not in self._scorers:
            self._scorers[key] = self._pipeline(failing).scorer_with(overrides)
        return self._scorers[key]

    def _pipeline(self, failing: Failing) -> Pipeline:
        pipeline = self._pipelines.get(failing)
        if pipeline is None:
            sources: list[Source] = [
                FailingSource(each.name) if each.name in failing else each for each in self._sources
            ]
            pipeline = Pipeline(self._patient, self._artifact, on_failure=_fail, sources=sources)
            self._pipelines[failing] = pipeline
        return pipeline


def update_scores_differ(published: PublishedUpdate, computed: PublishedUpdate) -> AuditFinding | None:
    """Whether an update's numbers are not those `computed`."""
    if published.skills.keys() != computed.skills.keys():
        names = ", ".join(sorted(published.skills.keys() ^ computed.skills.keys()))
        return AuditFinding("update", f"its skills are not those of the replay: {names}")
    for name, score in published.skills.items():
        other = computed.skills[name]
        if (score.kind, score.level) != (other.kind, other.level):
            ours, theirs = (f"{each.kind} {each.level}".rstrip() for each in (score, other))
            return AuditFinding("update", f"its {name} is {ours}, the replay's {theirs}")
        for column in ("score", "low", "high", "confidence"):
            apart = abs(getattr(score, column) - getattr(other, column))
            if not apart <= ROUNDING_TOLERANCE:
                return AuditFinding("update", f"its {column} of {name} is off by {apart:.3g}")
        if score.indicators != other.indicators:
            return AuditFinding("update", f"its indicators of {name} are not those of the replay")
    return _mastery_differs(published.mastery, computed.mastery)


def _mastery_differs(
    published: Sequence[PublishedMastery], computed: Sequence[PublishedMastery]
) -> AuditFinding | None:
    if [(each.component, each.n) for each in published] != [(each.component, each.n) for each in computed]:
        return AuditFinding("update", "the components of its mastery are not those of the replay")
    for one, other in zip(published, computed, strict=True):
        for column in ("p", "low", "high", "trend"):
            apart = abs(getattr(one, column) - getattr(other, column))
            if not apart <= ROUNDING_TOLERANCE:
                return AuditFinding("update", f"its {column} of component {one.component} is off by {apart:.3g}")
    return None


class _Recorded:
    """A remote source, as updates recorded it: repeats its recorded estimates of the rows that are scored next."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._estimate: RecordedEstimate | None = None

    def play(self, published: Sequence[PublishedUpdate], skills: Sequence[str]) -> None:
        """Say what these updates hold, in this order."""
        silent = Estimate.empty(len(published), len(skills))
        log_odds = np.zeros(silent.n.shape)
        for row_index, update in enumerate(published):
            for skill, part in update.recorded.get(self.name, {}).items():
                at = row_index, skills.index(skill)
                silent.n[at], silent.age_s[at], log_odds[at] = part.n, part.age_s, part.log_odds
                silent.p[at] = min(max(part.p, RECORDED_TOLERANCE), 1 - RECORDED_TOLERANCE)
        silent.status[silent.n > 0] = EstimateStatus.OK
        self._estimate = RecordedEstimate(
            **{each.name: getattr(silent, each.name) for each in fields(silent)}, log_odds=log_odds
        )

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        assert self._estimate is not None
        return self._estimate


class FailingSource:
    """A source that fails, as it did when the update was made."""

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, row_batch: RowBatch, /) -> Estimate:
        raise _FailsOnPurpose(self.name)


class _FailsOnPurpose(Exception):
    """Reported nowhere."""


def _fail(source: str, error: BaseException) -> None:
    if not isinstance(error, _FailsOnPurpose):
        raise SourceFailed(f"source {source} failed in the offline replay: {error!r}") from error
