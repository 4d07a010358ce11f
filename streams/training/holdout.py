"""The check that counts: students never trained on, through the whole pipeline, as a worker would publish them.

The figures are of the fused score of a student's last update at or before the label's `as_of`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.dialects import Decode, Record
from schemas.update import SkillScore, SkillUpdate
from streams.evaluation.figures import card_figures
from streams.evaluation.predictions import Predictions
from streams.pipeline import Pipeline
from streams.replay import BATCH_RECORDS, Replay
from streams.scoring.updates import read_update
from streams.training.labels import Label


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label and the pipeline's score for it; None where it had none yet."""

    label: Label
    ordinal: int
    said: SkillScore | None


@dataclass(slots=True)
class _Student:
    """Labels yet to come, the earliest last, and the newest update."""

    to_come: list[tuple[int, Label]]
    newest: SkillUpdate | None = None
    in_batch: bool = False


@dataclass(slots=True)
class _Course:
    """The held-out students, and the batch being gathered."""

    students: dict[str, _Student]
    batch: list[Record] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)


async def predict(records: Iterable[Record], labels: Sequence[Label], pipeline: Pipeline) -> list[Prediction]:
    """Replay the events of the labels' students, which must come in the order of their times, and keep the scores that
    were published by each label's `as_of`. Batches end where a label falls due, so that no later event is in its score.
    """
    course, replay = _Course(_students(labels)), Replay(pipeline)
    for record in records:
        for student, time_us in _dated(record, pipeline.decode):
            known = course.students.get(student)
            if known is None:
                continue
            while known.to_come and known.to_come[-1][1].as_of_us < time_us:
                if known.in_batch:
                    await _flush(course, replay)
                _settle(course, known)
            course.batch.append(record)
            known.in_batch = True
        if len(course.batch) >= BATCH_RECORDS:
            await _flush(course, replay)
    await _flush(course, replay)
    for known in course.students.values():
        while known.to_come:
            _settle(course, known)
    return course.predictions


def holdout_figures(predictions: Sequence[Prediction], skill: str) -> dict[str, float]:
    """Metrics of the fused score and of the model alone, over all labels of a skill and by a student's n-th label.

    A student without a score counts as 0.5; `unscored_holdout` says how many there were.
    """
    predicted = [one for one in predictions if one.label.skill == skill]
    result = _compare(predicted, "_holdout")
    ordinals = sorted({one.ordinal for one in predicted})
    if 1 < len(ordinals) <= 6:
        for ordinal in ordinals:
            result |= _compare([one for one in predicted if one.ordinal == ordinal], f"_holdout_of_label_{ordinal}")
    return result | {"unscored_holdout": float(sum(one.said is None for one in predicted))}


def _compare(predicted: Sequence[Prediction], suffix: str) -> dict[str, float]:
    labels = np.array([float(one.label.label) for one in predicted])
    fused = np.array([0.5 if one.said is None else one.said.score for one in predicted])
    model = np.array([_model_p(one.said) for one in predicted])
    return card_figures(Predictions.of(labels, fused), prefix="fused_", suffix=suffix) | card_figures(
        Predictions.of(labels, model), prefix="model_", suffix=suffix
    )


def _model_p(said: SkillScore | None) -> float:
    contribution = None if said is None else said.contributions.get("model")
    return 0.5 if contribution is None or contribution.p is None else contribution.p


def _students(labels: Sequence[Label]) -> dict[str, _Student]:
    of_student: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_student[label.student].append(label)
    students = {}
    for student, theirs in of_student.items():
        as_ofs = sorted({label.as_of_us for label in theirs})
        ordered = sorted(theirs, key=lambda label: label.as_of_us, reverse=True)
        students[student] = _Student([(as_ofs.index(label.as_of_us) + 1, label) for label in ordered])
    return students


def _dated(record: Record, decode: Decode) -> Iterator[tuple[str, int]]:
    for event in decode(record).events:
        yield event.student_id, int(event.time.timestamp() * 1e6)


async def _flush(course: _Course, replay: Replay) -> None:
    if not course.batch:
        return
    for key, update in (await replay.feed(course.batch)).updates.items():
        student = course.students.get(key.decode())
        if student is not None:
            student.newest = read_update(update)
    course.batch = []
    for student in course.students.values():
        student.in_batch = False


def _settle(course: _Course, student: _Student) -> None:
    ordinal, label = student.to_come.pop()
    said = student.newest.skills.get(label.skill) if student.newest else None
    course.predictions.append(Prediction(label, ordinal, said))
