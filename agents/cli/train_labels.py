"""`skillstream train` with labels: states of students as of their labels, and what came of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from agents.cli.console import stderr
from agents.cli.outcome import OutOfReach
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
from streams.training.text_models import FittedTexts, fit_text_models
from streams.training.trainer import Plan, Trained, train


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
    texts, states, account = _learn(options, settings, plan, wanted, decode)
    held = {label for label in wanted if plan.groups.held_out(label.student, options.holdout, options.seed)}
    unseen = _score_held_out(options, settings, texts, states, wanted, held) if held else {}
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
    options: TrainingOptions, settings: Settings, plan: Plan, labels: Sequence[Label], decode: Decode
) -> tuple[FittedTexts, list[Moment], MomentCounts]:
    """Text models, if any skill asks for one, and all labels' moments, each folded by a table that did not see it. The
    plan knows the history's platforms from then on.
    """
    texts = fit_text_models(options.records(), labels, plan, decoder_of(settings))
    states: list[Moment] = []
    accounts = []
    for skill_set, some in texts.parts(labels):
        moments, account = _moments(options, settings, skill_set, some, decode)
        states += moments
        accounts.append(account)
        decode = decoder_of(settings)  # what cannot be read was reported
    whole = MomentCounts.of_parts(accounts)
    return replace(texts, plan=replace(texts.plan, platforms=whole.platforms)), states, whole


def _moments(
    options: TrainingOptions, settings: Settings, skill_set: SkillSet, labels: Sequence[Label], decode: Decode
) -> tuple[list[Moment], MomentCounts]:
    moments = moments_of(
        options.records(),
        labels,
        skill_set,
        options.moments,
        counts=options.counts,
        withdrawn=True,
        decode=decode,
        known_ids=settings.known_ids,
        components=settings.components_per_student,
    )
    return asyncio.run(moments)


def _score_held_out(
    options: TrainingOptions,
    settings: Settings,
    texts: FittedTexts,
    states: list[Moment],
    labels: Sequence[Label],
    held: set[Label],
) -> dict[str, dict[str, float]]:
    """The figures of those `held`, by all that is learnt from the other `labels`: text models, too."""
    inside = [state for state in states if state.label not in held]
    unseen = [state for state in states if state.label in held]
    if texts.models:
        others, theirs = ([label for label in labels if (label in held) is side] for side in (False, True))
        texts, inside, _ = _learn(options, settings, texts.plan, others, decoder_of(settings))
        unseen, _ = _moments(options, settings, texts.serving.skill_set, theirs, decoder_of(settings))
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
