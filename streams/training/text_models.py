"""Text models: fitted to the texts themselves, which no row keeps, for each labelled skill that is read by one.

    events ──► a label's texts ──► stems ──► k folds by person ──► out-of-fold log-odds ──► figures, calibration
                                        └──► the final table, on all

Fusion is fitted to rows. To be honest, these must have been folded by a table that had not seen their student: so each
fold has one of its own, and its students' moments are taken with the skill set that names it (`FittedTexts.parts`).
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

from schemas.dialects import Decode, Record
from schemas.event import Message, Reflection
from streams.evaluation.figures import card_figures
from streams.evaluation.predictions import Predictions
from streams.rows.row_batch import Floats
from streams.skills.skill_set import SkillSet, TextModelFile, with_text_models
from streams.skills.text_reader import Unread, readable
from streams.texts.text_model import MAX_STEMS, TextModel, stems_of
from streams.texts.words import words_of
from streams.training.errors import TrainingError
from streams.training.labels import Label
from streams.training.trainer import Plan

STEM_CHARS: Final = 6
MIN_PEOPLE: Final = 5
"""Who wrote a stem that is in a table: fewer would tell of themselves."""
MIN_TEXTS: Final = 50
_INVERSE_RIDGE: Final = 0.3
_LEAST_PERCENTILE: Final = 5
_DIGITS: Final = 4

TextModels = Mapping[str, TextModel]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text of a group (a person), and the label that it is of."""

    group: str
    fold: int
    words: int
    stems: frozenset[str]
    label: float


@dataclass(frozen=True, slots=True)
class FittedTexts:
    """The text models by skill, and those that never saw the people of each fold; none where no skill asks for one."""

    plan: Plan
    models: TextModels
    by_fold: Sequence[TextModels]

    def parts(self, labels: Sequence[Label]) -> Iterator[tuple[SkillSet, list[Label]]]:
        """The labels, fold by fold, each with the skills that its moments are to be folded with."""
        if not self.models:
            yield self.plan.skill_set, list(labels)
            return
        for fold, models in enumerate(self.by_fold):
            of_fold = [label for label in labels if fold_of(self.plan, label.student) == fold]
            if of_fold:
                yield _reading_by(self.plan.skill_set, models), of_fold

    @property
    def serving(self) -> Plan:
        """The plan for all else that is trained: its skills have the text models that are to serve."""
        return replace(self.plan, skill_set=_reading_by(self.plan.skill_set, self.models))


def fit_text_models(records: Iterable[Record], labels: Sequence[Label], plan: Plan, decode: Decode) -> FittedTexts:
    """Fit a text model for each skill that has labels and is read by one. Deterministic. Reads `records` only if so.

    Raises TrainingError where there are too few texts, or they are all of one label.
    """
    skills = [name for name, skill in plan.skill_set.skills.items() if skill.text_model is not msgspec.UNSET]
    skills = [name for name in skills if any(label.skill == name for label in labels)]
    if not skills:
        return FittedTexts(plan, {}, ())
    written = _written(records, {label.student for label in labels if label.skill in skills}, decode)
    models: dict[str, TextModel] = {}
    by_fold: list[dict[str, TextModel]] = [{} for _ in range(plan.folds)]
    for skill in skills:
        try:
            models[skill], of_folds = _fit_skill(_labelled(written, labels, skill, plan), plan)
        except TrainingError as error:
            raise TrainingError(f"{skill}: its text model: {error}") from None
        for fold, model in zip(by_fold, of_folds, strict=True):
            fold[skill] = model
    return FittedTexts(plan, models, by_fold)


def fold_of(plan: Plan, student: str) -> int:
    """Which fold a student's person is in; depends on nothing but id and seed."""
    digest = blake2b(f"{plan.seed}/text/{plan.groups.of(student)}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) % plan.folds


def _reading_by(skill_set: SkillSet, models: TextModels) -> SkillSet:
    return with_text_models(skill_set, {skill: TextModelFile(table=model) for skill, model in models.items()})


_Written = Mapping[str, list[tuple[int, int, frozenset[str]]]]
"""Each student's readable texts, as their times, numbers of words and stems, in the order of time."""


def _written(records: Iterable[Record], students: set[str], decode: Decode) -> _Written:
    texts: defaultdict[str, list[tuple[int, int, frozenset[str]]]] = defaultdict(list)
    for record in records:
        for event in decode(record).events:
            if isinstance(event, Message | Reflection) and event.student_id in students:
                tokens = readable(event.text)
                if not isinstance(tokens, Unread):
                    time_us = min(int(event.time.timestamp() * 1e6), record.timestamp * 1000)
                    words = words_of(tokens)
                    texts[event.student_id].append((time_us, len(words), frozenset(stems_of(words, STEM_CHARS))))
    for of_student in texts.values():
        of_student.sort(key=lambda text: text[0])
    return texts


def _labelled(written: _Written, labels: Sequence[Label], skill: str, plan: Plan) -> list[LabelledText]:
    """Each text with the first label of its student that is not before it."""
    found = []
    before: dict[str, int] = {}
    for label in sorted((one for one in labels if one.skill == skill), key=lambda one: (one.student, one.as_of_us)):
        texts = written.get(label.student, [])
        until = bisect_right(texts, label.as_of_us, key=lambda text: text[0])
        group, fold = plan.groups.of(label.student), fold_of(plan, label.student)
        begin = before.get(label.student, 0)
        found += [LabelledText(group, fold, words, stems, label.label) for _, words, stems in texts[begin:until]]
        before[label.student] = until
    return found


def _fit_skill(texts: Sequence[LabelledText], plan: Plan) -> tuple[TextModel, list[TextModel]]:
    """The final model and the folds', all calibrated by the out-of-fold log-odds."""
    if len(texts) < MIN_TEXTS:
        raise TrainingError(f"{len(texts)} readable texts with a label are too few; {MIN_TEXTS} are needed")
    of_folds = [_fit([text for text in texts if text.fold != fold], plan) for fold in range(plan.folds)]
    labels = np.array([text.label for text in texts])
    unseen = np.array([of_folds[text.fold].log_odds_of_stems(text.stems) for text in texts])
    slope, intercept = _calibration(unseen, labels)
    p = 1 / (1 + np.exp(-(intercept + slope * unseen)))
    metrics = card_figures(Predictions.of(labels, p))
    final = msgspec.structs.replace(_calibrated(_fit(texts, plan), slope, intercept), metrics=metrics)
    return final, [_calibrated(model, slope, intercept) for model in of_folds]


def _fit(texts: Sequence[LabelledText], plan: Plan) -> TextModel:
    """One table, not calibrated."""
    labels = np.array([text.label for text in texts])
    if not texts or labels.min() == labels.max():
        raise TrainingError("all labels of these texts, or of a fold's, are equal: nothing to learn")
    idf = _idf_by_stem(texts)
    column = {stem: number for number, stem in enumerate(idf)}
    known = [sorted(column[stem] for stem in text.stems & idf.keys()) for text in texts]
    weights = np.array([*idf.values()])
    norms = np.array([math.sqrt(math.fsum(weights[columns] ** 2)) for columns in known])
    least_norm = max(float(np.percentile(norms, _LEAST_PERCENTILE)), 1.0)
    ends = np.cumsum([len(columns) for columns in known])
    of_text = np.repeat(np.maximum(norms, least_norm), np.diff(ends, prepend=0))
    columns = np.array([number for of_one in known for number in of_one], np.intp)
    matrix = csr_matrix((weights[columns] / of_text, columns, [0, *ends]), shape=(len(texts), len(idf)))
    fitted = LogisticRegression(C=_INVERSE_RIDGE, max_iter=1_000)
    with ThreadpoolController().limit(limits=1):  # the same sums on every machine
        fitted.fit(matrix, labels)
    return TextModel(
        population=plan.labels_source,
        texts=len(texts),
        people=len({text.group for text in texts}),
        metrics={},
        stem_chars=STEM_CHARS,
        bias=float(fitted.intercept_[0]),
        least_norm=least_norm,
        least_words=max(1, int(np.percentile([text.words for text in texts], _LEAST_PERCENTILE) / 2)),
        stems={stem: (idf[stem], float(fitted.coef_[0, number])) for stem, number in column.items()},
    )


def _idf_by_stem(texts: Sequence[LabelledText]) -> dict[str, float]:
    """The stems that MIN_PEOPLE wrote, MAX_STEMS at most, the more frequent first; in the order of the alphabet."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    count: Counter[str] = Counter()
    for text in texts:
        count.update(text.stems)
        for stem in text.stems:
            people[stem].add(text.group)
    frequent = sorted(count, key=lambda stem: (-count[stem], stem))
    common = [stem for stem in frequent if len(people[stem]) >= MIN_PEOPLE]
    if not common:
        raise TrainingError(f"no word was written by {MIN_PEOPLE} people")
    return {stem: 1 + math.log((1 + len(texts)) / (1 + count[stem])) for stem in sorted(common[:MAX_STEMS])}


def _calibration(log_odds: NDArray[np.float64], labels: Floats) -> tuple[float, float]:
    """Slope and intercept (Platt 1999); a slope of 0 where texts say nothing of people not seen, or the contrary."""
    fitted = LogisticRegression(C=1e6).fit(log_odds[:, None], labels)
    slope = float(fitted.coef_[0, 0])
    if slope > 0:
        return slope, float(fitted.intercept_[0])
    share = min(max(float(labels.mean()), 0.01), 0.99)
    return 0.0, math.log(share / (1 - share))


def _calibrated(model: TextModel, slope: float, intercept: float) -> TextModel:
    """The same table for calibrated log-odds, rounded as it is stored."""
    return msgspec.structs.replace(
        model,
        bias=round(intercept + slope * model.bias, _DIGITS),
        least_norm=round(model.least_norm, _DIGITS),
        stems={
            stem: (round(idf, _DIGITS), round(slope * weight, _DIGITS)) for stem, (idf, weight) in model.stems.items()
        },
    )
