"""The scores of many students, in updates and in rows, against those that the replayed rows give."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from itertools import product

from schemas.fusion_config import Overrides
from streams.norms.view import NormView
from streams.rows.row import Row
from streams.verification.audit import AuditFinding, NotCompared, position, score_differs, unequal_scores
from streams.verification.published import PublishedUpdate
from streams.verification.rescoring import RECORDED_TOLERANCE, Failing, Rescoring, update_scores_differ
from streams.verification.students import Case
from streams.vocabulary import skill_code


class ScoreComparison:
    """`other_config` counts the updates of another skill set or model than ours, `other_sources` the rows whose scores
    were made by other sources than their last update's, under another configuration or other norms: re-emitted after a
    crash, when a source was back, or when a remote source thought otherwise. `recorded` counts the updates that were
    compared by what remote sources said in them; `left_out` those that cannot be, by the reason.
    """

    def __init__(self, rescoring: Rescoring) -> None:
        self._rescoring = rescoring
        self.other_config = 0
        self.other_sources = 0
        self.recorded = 0
        self.left_out: Counter[str] = Counter()

    async def compare(self, cases: Mapping[bytes, Case]) -> AsyncIterator[tuple[bytes, AuditFinding]]:
        """What is wrong with the scores of students whose rows are right. Raises SourceFailed."""
        groups: defaultdict[tuple[str, str, Failing], dict[bytes, Case]] = defaultdict(dict)
        for student, case in cases.items():
            published, replayed = case.published, case.replayed
            if published is None or replayed is None or published.position != position(replayed):
                continue
            groups[published.config_version, published.norms_version, published.degraded][student] = case
        for (config_version, norms_version, failing), group in groups.items():
            overrides = self._rescoring.overrides_in(config_version)
            norms = self._rescoring.norms_in(norms_version)
            if overrides is None or not self._rescoring.knows(failing):
                self.other_config += len(group)
            elif isinstance(overrides, NotCompared):
                self.left_out[overrides.why] += len(group)
            elif isinstance(norms, NotCompared):
                self.left_out[norms.why] += len(group)
            else:
                async for student, finding in self._compare_group(failing, overrides, norms, group):
                    yield student, finding

    async def _compare_group(
        self, failing: Failing, overrides: Overrides, norms: NormView | None, group: Mapping[bytes, Case]
    ) -> AsyncIterator[tuple[bytes, AuditFinding]]:
        rows = {student: case.replayed for student, case in group.items() if case.replayed is not None}
        published = {student: case.published for student, case in group.items() if case.published is not None}
        computed = await self._rescoring.score(rows, published, failing, overrides, norms)
        for student, case in group.items():
            assert case.published is not None
            self.recorded += any(case.published.recorded.values())
            finding = update_scores_differ(case.published, computed[student])
            if finding is not None:
                yield student, finding
            unequal = {} if case.live is None else _unequal(case.live, rows[student], case.published)
            if unequal and await self._is_of_other_sources(student, case, unequal):
                self.other_sources += 1
            elif unequal:
                yield student, score_differs(*next(iter(unequal.items())))

    async def _is_of_other_sources(self, student: bytes, case: Case, unequal: Mapping[int, float]) -> bool:
        """Whether other sources give the row's scores, those of the skills that are `unequal` among them, or another
        configuration, or the norms that the row names.
        """
        assert case.live is not None
        assert case.replayed is not None
        assert case.published is not None
        if unequal.keys() <= _recorded(case.published):
            return True
        norms = self._rescoring.norms_in(case.live.norms.hex())
        if isinstance(norms, NotCompared):
            return True
        for overrides, failing in product(self._rescoring.all_overrides(), self._rescoring.masks()):
            rows = {student: case.replayed}
            await self._rescoring.score(rows, {student: case.published}, failing, overrides, norms)
            row = rows[student]
            # A skill that these sources say nothing of must have no score in the row either.
            if not _unequal(case.live, row, case.published) and not any(
                _is_extra(case.live, row, name) for name in unequal
            ):
                return True
        return False


def _unequal(live: Row, scored: Row, published: PublishedUpdate) -> dict[int, float]:
    """As `unequal_scores`; those that what an update recorded is part of are as exact as its digits."""
    recorded = _recorded(published)
    return {
        code: apart
        for code, apart in unequal_scores(live, scored).items()
        if code not in recorded or apart > RECORDED_TOLERANCE
    }


def _recorded(published: PublishedUpdate) -> set[int]:
    """The skills of which a remote source said something, by their codes in a row."""
    return {skill_code(name) for recorded in published.recorded.values() for name in recorded}


def _is_extra(live: Row, scored: Row, skill: int) -> bool:
    return _score(live, skill) >= 0 > _score(scored, skill)


def _score(row: Row, skill: int) -> float:
    skill_state = row.skills.get(skill)
    return -1.0 if skill_state is None else skill_state.score
