"""`skillstream train` with labels: states of students as of their labels, and what came of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from agents.cli.console import stderr
from agents.cli.outcome import OutOfReach
from agents.cli.training_norms import norms_of_training
from agents.cli.training_options import TrainingOptions
from agents.config.dialects import decoder_of
from agents.config.settings import Settings
from schemas.dialects import Decode
from streams.evidence.artifacts import save_artifact
from streams.evidence.model import ModelSource
from streams.skills.skill_set import SkillSet
from streams.training.holdout import holdout_figures
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, read_labels
from streams.training.moments import Moment, MomentCounts, moments_of
from streams.training.norm_timeline import NormTimeline
from streams.training.text_models import FittedTexts, fit_text_models
from streams.training.trainer import Plan, Trained, train


@dataclass(frozen=True, slots=True)
class _History:
    """The events, as they are to be read, and what was usual in them at any time."""

    options: TrainingOptions
    settings: Settings
    norms: NormTimeline

    def moments(
        self, labels: Sequence[Label], skill_set: SkillSet, decode: Decode | None = None
    ) -> tuple[list[Moment], MomentCounts]:
        """Those of some labels; `decode` is given where it is to report what cannot be read."""
        process = moments_of(
            self.options.records(),
            labels,
            skill_set,
            self.options.moments,
            counts=self.options.counts,
            withdrawn=True,
            decode=decode or decoder_of(self.settings),
            known_ids=self.settings.known_ids,
            components=self.settings.components_per_student,
        )
        moments, account = asyncio.run(process)
        return self.norms.of(moments), account


def train_by_labels(
    options: TrainingOptions, labels: Path, settings: Settings, plan: Plan, decode: Decode
) -> tuple[Trained, FittedTexts, dict[str, int]]:
    """The artifact, the text models that belong to it, and counts for its summary.

    Raises LabelsError and TrainingError for what nothing can be learnt from, OutOfReach for a file that cannot be read.
    """
    try:
        wanted = read_labels(labels, plan.skill_set.names)
    except OSError as error:
        raise OutOfReach(f"{labels}: {error.strerror}") from None
    history = _History(options, settings, norms_of_training(options, settings, plan))
    texts, states, account = _learn(history, plan, wanted, decode)
    held = {label for label in wanted if plan.groups.held_out(label.student, options.holdout, options.seed)}
    unseen = _score_held_out(history, texts, states, wanted, held) if held else {}
    with stderr.status("training on all students"):
        trained = train(states, texts.serving)
    counts = {
        "events": account.records,
        "unreadable": account.unreadable,
        "students_without_label": len(account.unlabelled_students),
        "labels_without_events": account.labels_without_events,
    }
    return _with_figures(trained, unseen), texts, counts


def _learn(
    history: _History, plan: Plan, labels: Sequence[Label], decode: Decode | None = None
) -> tuple[FittedTexts, list[Moment], MomentCounts]:
    """Text models, if any skill asks for one, and all labels' moments, each folded by a table that did not see it. The
    plan knows the history's platforms from then on.
    """
    texts = fit_text_models(history.options.records(), labels, plan, decoder_of(history.settings))
    states: list[Moment] = []
    accounts = []
    for skill_set, some in texts.parts(labels):
        moments, account = history.moments(some, skill_set, decode)
        states += moments
        accounts.append(account)
        decode = None  # what cannot be read was reported
    whole = MomentCounts.of_parts(accounts)
    return replace(texts, plan=replace(texts.plan, platforms=whole.platforms)), states, whole


def _score_held_out(
    history: _History, texts: FittedTexts, states: list[Moment], labels: Sequence[Label], held: set[Label]
) -> dict[str, dict[str, float]]:
    """The figures of those `held`, by all that is learnt from the other `labels`: text models, too."""
    inside = [state for state in states if state.label not in held]
    unseen = [state for state in states if state.label in held]
    if texts.models:
        others, theirs = ([label for label in labels if (label in held) is side] for side in (False, True))
        texts, inside, _ = _learn(history, texts.plan, others)
        unseen, _ = history.moments(theirs, texts.serving.skill_set)
    plan = texts.serving
    with TemporaryDirectory() as folder, stderr.status("training without the held-out students"):
        trained = train(inside, plan)
        artifact = save_artifact(Path(folder), trained.card, trained.models)
    unseen = [state for state in unseen if state.own]
    if not unseen:
        return {}
    scored = asyncio.run(score_moments(unseen, plan.skill_set, artifact))
    fused = predictions_of(scored, plan.skill_set, artifact, plan.groups)
    model = predictions_of(scored, plan.skill_set, artifact, plan.groups, [ModelSource.name])
    return {skill: holdout_figures(fused[skill], model[skill]) for skill in trained.card.skills if skill in fused}


def _with_figures(trained: Trained, unseen: dict[str, dict[str, float]]) -> Trained:
    cards = {
        skill: msgspec.structs.replace(card, metrics=card.metrics | unseen.get(skill, {}))
        for skill, card in trained.card.skills.items()
    }
    return Trained(msgspec.structs.replace(trained.card, skills=cards), trained.models)
