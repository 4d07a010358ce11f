"""Evaluating mastery: every answer predicted before it is folded, and intervals of the mean of all that came later.

walk ──► row before ──predict──► p of the answer, p of its components whatever the item
              └──score, as a worker does──► outlook and interval after 10, 50, 100 … answers
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evaluation.breakdown import by_confidence, error_over_confidence
from streams.evaluation.figures import figures
from streams.evaluation.metrics import LEVEL
from streams.evaluation.predictions import EvaluationError, Predictions
from streams.evaluation.subject import Subject
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact
from streams.mastery.counts import Questions
from streams.mastery.model import Mastery
from streams.pipeline import Pipeline
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.skills.skill_set import SkillSet
from streams.training.errors import TrainingError
from streams.training.mastery.answers import AnswerHistory
from streams.training.mastery.baselines import rivals
from streams.training.mastery.collection import MIN_LATER, MOMENTS_AFTER, Collection, Later
from streams.training.mastery.intervals import interval_figures
from streams.training.mastery.trainer import FIRST_ANSWERS, INTERVALS_AT, SOURCE
from streams.training.mastery.walk import Histories, Round, WalkProgress, walk

_DEADLINE_S: Final = 600.0
_EVERY_ROUND: Final = 1_000_000


async def evaluate_mastery(
    histories: Histories,
    skill_set: SkillSet,
    artifact: Artifact,
    *,
    progress: WalkProgress,
    known_ids: int,
    components: int,
    group_of: Callable[[str], str] = str,
) -> dict[str, Subject]:
    """A subject for each skill of which the artifact has an item bank.

    Raises EvaluationError where there is none, or no answer; TrainingError where a source of evidence fails.
    """
    skills = [skill for skill in skill_set.names if skill in artifact.banks]
    if not skills:
        raise EvaluationError(
            f"the artifact has no item bank for {skill_set.name}: make one by `skillstream train EVENTS "
            f"--skills {skill_set.name} --out DIR`"
        )
    patient = msgspec.structs.replace(skill_set.fusion, deadline_s=_DEADLINE_S)
    pipeline = Pipeline(msgspec.structs.replace(skill_set, fusion=patient), artifact, on_failure=_refuse)
    folding = event_pipeline(skill_set, known_ids, components)
    students = [history.student for history in histories.of_students]
    watched = {skill: _Watched(skill, artifact, len(students)) for skill in skills}
    collection = Collection(students)
    async for each in walk(histories, folding, _EVERY_ROUND, progress):
        collection.take(each)
        for skill in skills:
            await watched[skill].take(each, pipeline)
    answers = collection.answers()
    answers = answers.of(answers.ordinal < FIRST_ANSWERS)
    if not len(answers):
        raise EvaluationError("no attempt names knowledge components (`kcs`): there is no answer to predict")
    people = np.array([group_of(student) for student in students])
    return {skill: each.subject(answers, people) for skill, each in watched.items()}


class _Watched:
    """What one skill's bank says of each answer, and its score of each moment."""

    def __init__(self, skill: str, artifact: Artifact, students: int) -> None:
        self._skill = skill
        self._bank = artifact.banks[skill]
        self._mastery = Mastery(self._bank)
        self._later = Later(students)
        self._parts: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)

    async def take(self, each: Round, pipeline: Pipeline) -> None:
        """Predict the round's answers, and score the students who are at a moment."""
        counted = np.flatnonzero(~np.isnan(each.outcome))
        student = np.array(each.student, np.intp)[counted]
        answered, right = self._later.before(student)
        first = counted[answered < FIRST_ANSWERS]
        if len(first):
            self._predict(each, first)
        here = np.isin(answered, MOMENTS_AFTER)
        if here.any():
            at = counted[here]
            await self._score(each, at, pipeline)
            self._keep(student=student[here], answered=answered[here], right=right[here])
        self._later.add(student, each.outcome[counted])

    def subject(self, answers: AnswerHistory, people: NDArray[np.str_]) -> Subject:
        """All of it, with what simple rivals say of the same answers."""
        predictions = Predictions.of(
            answers.outcome,
            self._column("p"),
            student=people[answers.student],
            evidence=answers.all_wins + answers.all_fails,
            mask=np.full(len(answers), SOURCE),
        )
        by_component = figures(Predictions.of(answers.outcome[answers.owner], self._column("p_of_uses")))
        return Subject(
            predictions=predictions,
            baselines=rivals(predictions, answers, self._bank),
            figures={"item_free_ece": by_component["ece"], **self._of_intervals(people)},
            notes=(
                f"each student's first {FIRST_ANSWERS} answers; coverage, width and interval_score are of the mean of "
                f"all later answers ({MIN_LATER} at least), a number behind them says after how many answers",
            ),
        )

    def _predict(self, each: Round, first: Indices) -> None:
        """p of these answers, and of each of their components whatever the item."""
        questions = each.questions
        chosen = np.zeros(len(each.outcome), np.bool_)
        chosen[first] = True
        p = self._mastery.predict_many(each.counts, questions)
        uses = chosen[questions.owner]
        rows, codes = questions.row[questions.owner[uses]], questions.code[uses]
        by_component = Questions(rows, [None] * len(rows), np.arange(len(rows)), codes)
        self._keep(p=p[first], p_of_uses=self._mastery.predict_many(each.counts, by_component))

    async def _score(self, each: Round, at: Indices, pipeline: Pipeline) -> None:
        scored = await pipeline.score(each.before.take(at.tolist()))
        column = pipeline.skill_set.names.index(self._skill)
        fused = scored.fused
        self._keep(**{name: getattr(fused, name)[:, column] for name in ("score", "low", "high", "confidence")})

    def _of_intervals(self, people: NDArray[np.str_]) -> dict[str, float]:
        """Their figures, beside those of the interval that holds LEVEL of all these means, which knows nothing else."""
        student, answered = self._column("student").astype(np.intp), self._column("answered").astype(np.intp)
        later, mean = self._later.mean_after(student, answered, self._column("right"))
        known = later >= MIN_LATER
        if not known.any():
            return {}
        low, high, score = (self._column(name)[known] for name in ("low", "high", "score"))
        mean, answered = mean[known], answered[known]
        ends = np.quantile(mean, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found = {"outlook_error": float(np.abs(mean - score).mean())}
        everywhere = np.full(len(mean), True)
        for suffix, at in (("", everywhere), *((f"_at_{after}", answered == after) for after in INTERVALS_AT)):
            found |= interval_figures(mean[at], low[at], high[at], suffix)
            size = int(at.sum())
            constant = interval_figures(mean[at], np.full(size, ends[0]), np.full(size, ends[1]), suffix)
            found |= {f"constant_{name}": figure for name, figure in constant.items()}
            if at.any():
                found[f"students{suffix}"] = float(len(set(student[known][at].tolist())))
        confidence, whose = self._column("confidence")[known], people[student[known]]
        scores = Predictions.of(mean, score, low=low, high=high, confidence=confidence, student=whose)
        falls = error_over_confidence(by_confidence(scores))
        return found if falls is None else found | {"outlook_error_over_confidence": falls}

    def _keep(self, **columns: NDArray[Any]) -> None:
        for name, column in columns.items():
            self._parts[name].append(column)

    def _column(self, name: str) -> Floats:
        return np.concatenate([*self._parts[name], np.zeros(0)])


def _refuse(source: str, error: BaseException) -> None:
    raise TrainingError(f"source {source} failed: {error!r}")
