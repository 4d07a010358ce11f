"""What the text model of empathy is worth for authors that it never saw: the figures of docs/training-data.md.

    python -m tests.unit.training.empathy_figures         some two minutes; needs ../shared/data

First all of `train` with a fifth of the authors held out, five times in turn, and again for other splits: their fused
scores, replayed. Then the table alone, out of fold, on the first words of each text.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from schemas.dialects import decode
from schemas.dialects.native import encode
from schemas.event import Message
from streams.conversion.empathy import convert_empathy
from streams.conversion.tables import Tables, Tally
from streams.evaluation.figures import figures
from streams.evaluation.predictions import Predictions
from streams.evidence.artifacts import save_artifact
from streams.replay import FileRecord
from streams.skills.skills_file import load_skills
from streams.skills.text_reader import readable
from streams.texts.text_model import stems_of
from streams.texts.words import words_of
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups
from streams.training.moments import moments_of
from streams.training.text_models import STEM_CHARS, fit_text_models, fold_of
from streams.training.trainer import Plan, train
from tests.events import record
from tests.unit.foreign_texts import REACTIONS

SPLITS: Final = 3
FIRST_WORDS: Final = (5, 10, 20, 40, 1_000)
GROUPS: Final = StudentGroups(re.compile(".+(?=_)"))


def reactions() -> tuple[list[FileRecord], list[Label]]:
    """The converted data, as `train` reads them."""
    converted = convert_empathy(Tables(REACTIONS.parent, Tally()))
    labels = [Label(one.student, one.skill, int(one.as_of.timestamp() * 1e6), one.label) for one in converted.outcomes]
    return [record(encode(event), number) for number, event in enumerate(converted.events)], labels


def plan(seed: int) -> Plan:
    """As the command in docs/training-data.md has it."""
    return Plan("empathy", load_skills("empathy"), inputs=("wrote.mean",), seed=seed, groups=GROUPS)


def held_out_scores(told: Sequence[FileRecord], labels: Sequence[Label], split: int) -> NDArray[np.float64]:
    """The fused score of each label's student, by all that is learnt from four fifths of the other authors."""
    scores = np.full(len(labels), 0.5)
    authors = [GROUPS.of(label.student) for label in labels]
    for inside, outside in GroupKFold(5, shuffle=True, random_state=split).split(labels, groups=authors):
        learnt, held = [labels[at] for at in inside], [labels[at] for at in outside]
        texts = fit_text_models(told, learnt, plan(split), decode)
        states = [
            moment
            for skill_set, some in texts.parts(learnt)
            for moment in asyncio.run(moments_of(told, some, skill_set, 1))[0]
        ]
        trained = train(states, texts.serving)
        with TemporaryDirectory() as folder:
            artifact = save_artifact(Path(folder), trained.card, trained.models)
        serving = texts.serving.skill_set
        unseen, _ = asyncio.run(moments_of(told, held, serving, 1))
        scored = asyncio.run(score_moments(unseen, serving, artifact))
        found = predictions_of(scored, serving, artifact, GROUPS)["empathy"]
        said = dict(zip((moment.label for moment in unseen), found.p.tolist(), strict=True))
        scores[outside] = [said[label] for label in held]
    return scores


def first_words(told: Sequence[FileRecord], labels: Sequence[Label], most: int) -> dict[str, float]:
    """The figures of the folds' tables on the first `most` words of the texts of people that they never saw."""
    fitted = fit_text_models(told, labels, plan(0), decode)
    by_student = {label.student: label for label in labels}
    p, outcome = [], []
    for one in told:
        [event] = decode(one).events
        assert isinstance(event, Message)
        tokens = readable(event.text)
        if isinstance(tokens, list):
            label = by_student[event.student_id]
            model = fitted.by_fold[fold_of(fitted.plan, label.student)]["empathy"]
            p.append(1 / (1 + np.exp(-model.log_odds_of_stems(stems_of(words_of(tokens)[:most], STEM_CHARS)))))
            outcome.append(label.label)
    return figures(Predictions.of(np.array(outcome), np.array(p)))


def main() -> None:
    """Print all."""
    told, labels = reactions()
    outcome = np.array([label.label for label in labels], np.float64)
    for split in range(SPLITS):
        scores = held_out_scores(told, labels, split)
        _print(f"authors held out, split {split}", figures(Predictions.of(outcome, scores)))
    for most in FIRST_WORDS:
        _print(f"first {most} words", first_words(told, labels, most))


def _print(what: str, found: dict[str, float]) -> None:
    print(f"{what:28} AUC {found['auc']:.3f}  ECE {found['ece']:.3f}  n {found['n']:.0f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
