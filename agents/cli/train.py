"""`skillstream train`: a model artifact from events and labels."""

import asyncio
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr
from agents.cli.event_files import existing, read_lines
from agents.cli.line_records import LineRecord, reporting
from agents.cli.outcome import OutOfReach
from agents.cli.parameters import NewFolder, Number, NumberList, Pattern, Seed
from agents.cli.train_mastery import mastery_skill, train_by_answers
from agents.cli.train_outcomes import RereadEvents, train_by_outcomes
from agents.cli.training_summary import print_artifact
from agents.config.dialects import decoder_of
from agents.config.settings import Settings, load_settings
from schemas.dialects import Decode
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact, save_artifact
from streams.evidence.model import ModelSource
from streams.replay import FileRecord
from streams.skills.skill_set import SkillSet, load_skills, skills_path
from streams.skills.text_model_files import write_text_models
from streams.training.holdout import holdout_figures
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups, read_labels
from streams.training.moments import Moment, MomentCounts, moments_of
from streams.training.outcomes import with_outcomes
from streams.training.text_models import FittedTexts, fit_text_models
from streams.training.trainer import Plan, Trained, train


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """The command's arguments and options, by their names there."""

    events: Path
    labels: Path | None
    out: Path
    name: str | None
    config: str | None
    skills: str | None
    mapping: str | None
    inputs: str
    folds: int
    counts: tuple[int, ...]
    moments: int
    holdout: float
    person: re.Pattern[str] | None
    cohort: re.Pattern[str] | None
    labels_source: str
    seed: int
    as_json: bool

    def plan(self, settings: Settings) -> Plan:
        """How to train."""
        return Plan(
            name=self.name or self.out.resolve().name,
            skill_set=load_skills(settings.skills),
            inputs=tuple(pattern.strip() for pattern in self.inputs.split(",") if pattern.strip()),
            folds=self.folds,
            seed=self.seed,
            groups=StudentGroups(self.person),
            labels_source=self.labels_source,
        )

    def records(self) -> Iterator[FileRecord]:
        """The events' lines, from the first on, as records of now."""
        now_ms = time.time_ns() // 1_000_000
        for offset, line in enumerate(read_lines([str(self.events)], quiet=self.as_json)):
            yield LineRecord(offset, now_ms, line.text, line=line)


@click.command(name="train")
@click.argument("events", metavar="EVENTS", type=click.Path(path_type=Path))
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=NewFolder(), metavar="DIR", help="Where the artifact goes.")
@click.option("--name", help="The artifact's name; by default the folder's.")
@click.option("--config", metavar="FILE", help="TOML file of settings; the environment wins over it.")
@click.option("--skills", help="Skill set (SKILLSTREAM_SKILLS).")
@click.option("--mapping", metavar="FILE", help="Of verbs and students' keys (SKILLSTREAM_MAPPING, docs/dialects.md).")
@click.option(
    "--inputs",
    default="",
    metavar="PATTERNS",
    help="Features the models may read, by name, with * and a leading ! for 'not', comma-separated; all by default.",
)
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2, 50), help="Of the cross-validation.")
@click.option(
    "--counts",
    default="3,5,8,16,32,64",
    show_default=True,
    type=NumberList(),
    metavar="N,N,…",
    help="Learn also from a student's state after so many events, that early scores mean what they say; '' for none.",
)
@click.option(
    "--moments",
    default=1,
    show_default=True,
    type=click.IntRange(1, 20),
    help="States of a student to learn from for each label: its as_of, and evenly before.",
)
@click.option(
    "--holdout",
    default=0.0,
    type=Number(0, 0.9),
    metavar="SHARE",
    help="First train without this share of the students, and say how good their scores are.",
)
@click.option(
    "--person", type=Pattern(), metavar="REGEX", help="The part of a student id that names the person; all by default."
)
@click.option(
    "--cohort",
    type=Pattern(),
    metavar="REGEX",
    help="Without LABELS: the part of a student id that names the cohort, each of which is held back once.",
)
@click.option("--labels-source", default="not said", help="Where the labels are from, for the card.")
@click.option("--seed", default=0, show_default=True, type=Seed())
@click.option("--json", "as_json", is_flag=True, help="Print the card as one JSON object.")
def command(**given: Any) -> None:
    """Train a model for every skill that LABELS (student,skill,as_of,label) speaks of, from EVENTS; without LABELS, for
    every skill that names an outcome, from what came later in EVENTS.

    A skill that is scored by knowledge components, as that of the skill set `mastery` is, learns from the answers among
    EVENTS, and takes no LABELS. One whose texts are read by a text model gets a new one, which DIR/skills.toml names:
    to be used together with the artifact. Settings are the workers', so that events have the same results here.
    """
    options = TrainingOptions(**given)
    if existing(str(options.events)) is None:
        raise click.UsageError("EVENTS are read more than once: name a file, not standard input")
    settings = load_settings(
        os.environ, options.config, skills=options.skills, mapping=options.mapping, reasoning="off"
    )
    decode, plan = decoder_of(settings), options.plan(settings)
    bad = BadLines(quiet=options.as_json)
    if mastery_skill(plan.skill_set) is not None:
        if options.labels is not None:
            raise click.UsageError(f"{plan.skill_set.name} learns from the answers among EVENTS: give no LABELS")
        if options.holdout:
            raise click.UsageError(f"{plan.skill_set.name} has figures of unseen students anyway: leave out --holdout")
        folding = event_pipeline(plan.skill_set, settings.known_ids, settings.components_per_student)
        trained, summary = train_by_answers(options.records(), plan, reporting(decode, bad), folding)
        bad.tell_of_the_rest()
        print_artifact(_saved(options.out, trained), summary, options.out, as_json=options.as_json)
        return
    if options.labels is None:
        if not with_outcomes(plan.skill_set):
            raise click.UsageError(
                f"name a file of LABELS: no skill of {plan.skill_set.name} names an outcome that EVENTS would tell"
            )
        if options.holdout:
            raise click.UsageError("--holdout goes with LABELS; --cohort holds back the cohorts of EVENTS")
        history = RereadEvents(options.records, decode, reporting(decode, bad))
        with stderr.status("learning from what came later"):
            trained, summary = train_by_outcomes(history, plan, settings, options.counts, options.cohort)
        bad.tell_of_the_rest()
        print_artifact(_saved(options.out, trained), summary, options.out, as_json=options.as_json)
        return
    if options.cohort is not None:
        raise click.UsageError("--cohort goes without LABELS: those name it in a column")
    try:
        wanted = read_labels(options.labels, plan.skill_set.names)
    except OSError as error:
        raise OutOfReach(f"{options.labels}: {error.strerror}") from None
    texts, states, account = _learn(options, settings, plan, wanted, reporting(decode, bad))
    bad.tell_of_the_rest()
    held = {label for label in wanted if plan.groups.held_out(label.student, options.holdout, options.seed)}
    unseen = _score_held_out(options, settings, texts, states, wanted, held) if held else {}
    with stderr.status("training on all students"):
        trained = train(states, texts.serving)
    if texts.models:
        _save_text_models(options.out, texts, skills_path(settings.skills))
    artifact = _saved(options.out, _with_figures(trained, unseen))
    summary = {
        "events": account.records,
        "unreadable": account.unreadable,
        "students_without_label": len(account.unlabelled_students),
        "labels_without_events": account.labels_without_events,
    }
    print_artifact(artifact, summary, options.out, texts.models, as_json=options.as_json)


def _saved(out: Path, trained: Trained) -> Artifact:
    try:
        return save_artifact(out, trained.card, trained.models)
    except OSError as error:
        raise OutOfReach(f"{error.filename or out}: {error.strerror}") from None


def _save_text_models(out: Path, texts: FittedTexts, skills: Path) -> None:
    try:
        write_text_models(out, texts.serving.skill_set, skills.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutOfReach(f"{error.filename or out}: {error.strerror}") from None


def _learn(
    options: TrainingOptions, settings: Settings, plan: Plan, labels: Sequence[Label], decode: Decode
) -> tuple[FittedTexts, list[Moment], MomentCounts]:
    """Text models, if any skill asks for one, and all labels' moments, each folded by a table that did not see it."""
    texts = fit_text_models(options.records(), labels, plan, decoder_of(settings))
    states: list[Moment] = []
    accounts = []
    for skill_set, some in texts.parts(labels):
        moments, account = _moments(options, settings, skill_set, some, decode)
        states += moments
        accounts.append(account)
        decode = decoder_of(settings)  # what cannot be read was reported
    return texts, states, MomentCounts.of_parts(accounts)


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
