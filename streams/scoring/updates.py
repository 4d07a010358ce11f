"""From fused scores to the messages of `skill-updates`, written as JSON.

Column by column (`streams.scoring.json_columns`): what belongs to one student is put together at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache, partial
from itertools import compress
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.update import UPDATE_VERSION
from streams.evidence.artifacts import Artifact
from streams.evidence.observed import Observed
from streams.evidence.registry import Types
from streams.norms.view import NormView
from streams.rows.enrolment import enrolment_of
from streams.rows.layout import Array
from streams.rows.row_batch import RowBatch
from streams.scoring.change_texts import ChangeTexts
from streams.scoring.evidence_texts import EvidenceTexts, RowEvidence
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import Column, dates, grouped, indices_of, integers, joined_columns, json_string
from streams.scoring.kinds import NOT_SHOWN, PROFILED, RATED, SCORED, shown_as
from streams.scoring.mastery_list import MasteryList
from streams.scoring.profiles import ProfileTexts
from streams.scoring.rubric_scores import RubricTexts
from streams.scoring.skill_scores import ScoreTexts
from streams.skills.skill_set import SkillSet

_REMEMBERED: Final = 4_096
"""Students of one class have the same fields."""
_SHOWN_IDS: Final = ("course_id", "class_id", "school_id")


class UpdateWriter:
    """Writes the updates of one skill set and artifact, which name `config_version`, and the `norms` that the rows were
    scored under. It `compares_cohorts` where the scores do.
    """

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types, config_version: str) -> None:
        self._evidence = EvidenceTexts(skill_set)
        self._scores = ScoreTexts(skill_set, artifact, types)
        self._ratings = RubricTexts(skill_set)
        self._profiles = ProfileTexts(skill_set, artifact, types)
        self.norms: NormView | None = None
        self.compares_cohorts = False
        self.mastery = MasteryList.of(artifact, skill_set.names)
        self._changes = ChangeTexts(skill_set.names)
        self._config_version = b',"config_version":%b' % json_string(config_version)

    def with_norms(self, norms: NormView | None, compares_cohorts: bool) -> "UpdateWriter":
        """One of rows that were scored under these norms, or without any."""
        other = copy(self)
        other.norms, other.compares_cohorts = norms, compares_cohorts
        other.mastery = self.mastery.with_norms(norms) if self.mastery else None
        return other

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """One SkillUpdate a row, which are those of `keys`, encoded; skills without any evidence are left out."""
        rows, headers = scored.rows, scored.rows.headers
        seen, evidence = self._profiles.seen(rows), self._evidence.of(rows)
        shown = shown_as(rows, scored.fused.fitted, self._profiles.anything(scored, evidence, seen))
        updates = joined_columns(
            b'{"version":%d,"student_id":' % UPDATE_VERSION, map(json_string, map(bytes.decode, keys)),
            b',"seq":[', integers(headers["epoch"]), b",", integers(headers["offset"]),
            b'],"as_of":"', dates(headers["as_of_us"] // 1_000),
            b'","skills":{', self._skills(scored, shown, evidence, seen),
            b"}", _degraded(scored.failed, len(keys)),
            self.mastery.write(rows) if self.mastery else b"",
            self._changes.write(scored, shown, evidence),
            map(_enrolment, rows.sections["enrolment"]),
            self._config_version, *self._norms(rows),
        )  # fmt: skip
        return list(updates)

    def _norms(self, rows: RowBatch) -> Iterator[Column]:
        """The fields of norms, with a comma before each, and the end of each update."""
        if self.norms is not None:
            yield b',"norms_version":%b' % json_string(self.norms.version)
            if self.compares_cohorts and (new := self.norms.cohorts_of(rows.sections["enrolment"]).new).any():
                yield (b',"new_cohort":true}' if each else b"}" for each in new.tolist())
                return
        yield b"}"

    def _skills(self, scored: ScoredBatch, shown: Array, evidence: RowEvidence, seen: Observed) -> list[bytes]:
        """Of each row its skills, each as what it is."""
        writers = {
            SCORED: partial(self._scores.write, scored),
            RATED: partial(self._ratings.write, scored.rows),
            PROFILED: partial(self._profiles.write, scored, seen),
        }
        row, skill = at = indices_of(shown != NOT_SHOWN)
        how, evidence_texts = shown[at], evidence.write(at)
        written: dict[int, Iterator[bytes]] = {}
        for each, write in writers.items():
            if (chosen := how == each).any():
                some = row[chosen], skill[chosen]
                written[each] = write(some, compress(evidence_texts, chosen.tolist()))
        return grouped((next(written[each]) for each in how.tolist()), row, len(scored.rows))


@lru_cache(_REMEMBERED)
def _enrolment(section: bytes) -> bytes:
    """The fields with the ids that a row has noted, and a comma before each; the source is none of them."""
    ids = enrolment_of(section)
    named = ((name, getattr(ids, name)) for name in _SHOWN_IDS)
    return b"".join(b',"%b":%b' % (name.encode(), json_string(each)) for name, each in named if each)


def _degraded(failed: Mapping[str, NDArray[np.bool_]], row_indices: int) -> Column:
    """The field with the names of the sources that failed, for each row, and a comma before it; nothing where all
    worked.
    """
    if not any(of_source.any() for of_source in failed.values()):
        return b""
    named = ([name for name, of_source in failed.items() if of_source[at]] for at in range(row_indices))
    return (b',"degraded":%b' % orjson.dumps(names) if names else b"" for names in named)


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond."""
    return dates(np.array([time_us // 1_000]))[0].decode()
