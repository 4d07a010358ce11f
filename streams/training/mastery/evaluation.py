"""Evaluating mastery: every answer predicted before it is folded, and intervals of the mean of all that came later; all
under the norms that were in force then.

walk ──► row before ──predict──► p of the answer, p of its components whatever the item
              └──score, as a worker does──► outlook and interval after 10, 50, 100 … answers
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evaluation.figures import figures
from streams.evaluation.predictions import EvaluationError, Names, Predictions
from streams.evaluation.subject import Subject
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact
from streams.mastery.counts import AnswerCounts, Questions
from streams.mastery.model import Mastery
from streams.pipeline import Pipeline
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.skills.skill_set import SkillSet
from streams.training.errors import TrainingError
from streams.training.mastery.answers import AnswerHistory
from streams.training.mastery.baselines import rivals
from streams.training.mastery.collection import MIN_LATER, Collection, Later
from streams.training.mastery.outlook_evaluation import ScoredMoments
from streams.training.mastery.trainer import FIRST_ANSWERS, SOURCE
from streams.training.mastery.walk import Histories, Round, WalkProgress, walk
from streams.training.norm_timeline import NO_TIMELINE, NormTimeline

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
    norms: NormTimeline = NO_TIMELINE,
) -> dict[str, Subject]:
    """Two subjects for each skill of which the artifact has an item bank: its answers, and its outlook.

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
    watched = {skill: _Watched(skill, artifact, len(students), norms) for skill in skills}
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
    second_half = _second_half(histories) if norms else None
    made: dict[str, Subject] = {}
    for each_skill in watched.values():
        made |= each_skill.subjects(answers, people, second_half)
    return made


def _second_half(histories: Histories) -> NDArray[np.bool_]:
    """Who of the students came later than the others, by their first event."""
    first_us = [history.events[0].time_us for history in histories.of_students]
    order = np.argsort(np.array(first_us, np.int64), kind="stable")
    later = np.zeros(len(first_us), np.bool_)
    later[order[len(order) // 2 :]] = True
    return later


class _Watched:
    """What one skill's bank says of each answer, and its score of each moment."""

    def __init__(self, skill: str, artifact: Artifact, students: int, norms: NormTimeline) -> None:
        self._skill = skill
        self._bank = artifact.banks[skill]
        self._mastery = Mastery(self._bank)
        self._later = Later(students)
        self._norms = norms
        self._moments = ScoredMoments(skill, SOURCE, norms)
        self._parts: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)

    async def take(self, each: Round, pipeline: Pipeline) -> None:
        """Predict the round's answers, and score the students who are at a moment."""
        counted = np.flatnonzero(~np.isnan(each.outcome))
        student = np.array(each.student, np.intp)[counted]
        answered, _ = self._later.before(student)
        first = counted[answered < FIRST_ANSWERS]
        if len(first):
            self._predict(each, first)
        await self._moments.take(each, counted, self._later, pipeline)
        self._later.add(student, each.outcome[counted])

    def subjects(
        self, answers: AnswerHistory, people: Names, second_half: NDArray[np.bool_] | None
    ) -> dict[str, Subject]:
        """The skill, with what simple rivals say of the same answers; and its outlook, where there is one."""
        predictions = Predictions.of(
            answers.outcome,
            self._column("p"),
            student=people[answers.student],
            evidence=answers.all_wins + answers.all_fails,
            mask=np.full(len(answers), SOURCE),
        )
        of_components = figures(Predictions.of(answers.outcome[answers.owner], self._column("p_of_uses")))
        outlook = self._moments.outlook(self._later, people)
        skill = Subject(
            predictions=predictions,
            baselines=rivals(predictions, answers, self._bank),
            figures={
                "item_free_ece": of_components["ece"],
                **self._of_second_half(answers, second_half),
                **(outlook.figures() if outlook else {}),
            },
            notes=(
                f"each student's first {FIRST_ANSWERS} answers; coverage, width and interval_score are of the mean of "
                f"all later answers ({MIN_LATER} at least), a number behind them says after how many answers",
            ),
        )
        return {self._skill: skill, **({f"{self._skill}_outlook": outlook.subject()} if outlook else {})}

    def _predict(self, each: Round, first: Indices) -> None:
        """p of these answers, and of each of their components whatever the item."""
        questions = each.questions
        chosen = np.zeros(len(each.outcome), np.bool_)
        chosen[first] = True
        p = self._predicted(each.counts, questions, each.times_us)
        uses = chosen[questions.owner]
        rows, times_us = questions.row[questions.owner[uses]], each.times_us[questions.owner[uses]]
        by_component = Questions(rows, [None] * len(rows), np.arange(len(rows)), questions.code[uses])
        self._keep(p=p[first], p_of_uses=self._predicted(each.counts, by_component, times_us))

    def _predicted(self, counts: AnswerCounts, questions: Questions, times_us: NDArray[np.int64]) -> Floats:
        """Under the norms in force at the time of each question."""
        p = np.full(len(times_us), np.nan)
        for view, asked in self._norms.at(times_us):
            p[asked] = self._mastery.with_norms(view).predict_many(counts, questions.at(asked))
        return p

    def _of_second_half(self, answers: AnswerHistory, students: NDArray[np.bool_] | None) -> dict[str, float]:
        """The AUC of the students who came later: what could be learnt before is of use to them."""
        if students is None:
            return {}
        chosen = students[answers.student]
        found = figures(Predictions.of(answers.outcome[chosen], self._column("p")[chosen]))
        return {"auc_second_half": found["auc"]} if "auc" in found else {}

    def _keep(self, **columns: NDArray[Any]) -> None:
        for name, column in columns.items():
            self._parts[name].append(column)

    def _column(self, name: str) -> Floats:
        return np.concatenate([*self._parts[name], np.zeros(0)])


def _refuse(source: str, error: BaseException) -> None:
    raise TrainingError(f"source {source} failed: {error!r}")
