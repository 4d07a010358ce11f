"""`skillstream train`: a model artifact from events, and labels where there are any."""

import os
from pathlib import Path
from typing import Any

import click

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr
from agents.cli.event_files import existing
from agents.cli.line_records import reporting
from agents.cli.options import config_option, mapping_option, norms_every_option
from agents.cli.outcome import OutOfReach
from agents.cli.parameters import NewFolder, Number, NumberList, Pattern, Seed
from agents.cli.stages import say
from agents.cli.train_labels import train_by_labels
from agents.cli.train_mastery import mastery_skill, train_by_answers
from agents.cli.train_outcomes import RereadEvents, train_by_outcomes
from agents.cli.training_norms import norms_of_training
from agents.cli.training_options import TrainingOptions
from agents.cli.training_summary import print_artifact
from agents.config.dialects import decoder_of
from agents.config.settings import Settings, load_settings
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact, save_artifact
from streams.skills.skills_file import skills_path
from streams.skills.text_model_files import write_text_models
from streams.training.outcomes import OutcomePlan, with_outcomes
from streams.training.text_models import FittedTexts
from streams.training.trainer import Plan, Trained


@click.command(name="train")
@click.argument("events", metavar="EVENTS", type=click.Path(path_type=Path))
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=NewFolder(), metavar="DIR", help="Where the artifact goes.")
@click.option("--name", help="The artifact's name; by default the folder's.")
@config_option
@click.option("--skills", help="Skill set (SKILLSTREAM_SKILLS).")
@mapping_option
@click.option(
    "--inputs",
    default="",
    metavar="PATTERNS",
    help="Features the models may read, by name, with * and a leading ! for 'not', comma-separated; by default all but "
    "those against norms.",
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
@click.option(
    "--empty-bank",
    is_flag=True,
    help="Learn from answers how to use norms, and know no item beforehand: for a platform whose items are its own.",
)
@norms_every_option
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
    plan = options.plan(settings)
    if options.empty_bank and mastery_skill(plan.skill_set) is None:
        raise click.UsageError(f"--empty-bank: no skill of {plan.skill_set.name} is scored by knowledge components")
    if mastery_skill(plan.skill_set) is not None:
        _by_answers(options, settings, plan)
    elif options.labels is None:
        _by_outcomes(options, settings, plan)
    else:
        _by_labels(options, options.labels, settings, plan)


def _by_answers(options: TrainingOptions, settings: Settings, plan: Plan) -> None:
    if options.labels is not None:
        raise click.UsageError(f"{plan.skill_set.name} learns from the answers among EVENTS: give no LABELS")
    if options.holdout:
        raise click.UsageError(f"{plan.skill_set.name} has figures of unseen students anyway: leave out --holdout")
    if options.empty_bank and not options.norms_every:
        raise click.UsageError("--empty-bank leaves items to norms: --norms-every may not be 0")
    bad, norms = BadLines(quiet=options.as_json), options.norm_plan(settings) if options.empty_bank else None
    folding = event_pipeline(plan.skill_set, settings.known_ids, settings.components_per_student)
    trained, counts = train_by_answers(options.records(), plan, reporting(decoder_of(settings), bad), folding, norms)
    bad.tell_of_the_rest()
    print_artifact(_saved(options.out, trained), counts, options.out, as_json=options.as_json)


def _by_outcomes(options: TrainingOptions, settings: Settings, plan: Plan) -> None:
    if not with_outcomes(plan.skill_set):
        raise click.UsageError(
            f"name a file of LABELS: no skill of {plan.skill_set.name} names an outcome that EVENTS would tell"
        )
    if options.holdout:
        raise click.UsageError("--holdout goes with LABELS; --cohort holds back the cohorts of EVENTS")
    bad, decode = BadLines(quiet=options.as_json), decoder_of(settings)
    history = RereadEvents(options.records, decode, reporting(decode, bad))
    norms, moments = norms_of_training(options, settings, plan), OutcomePlan(options.counts, cohort=options.cohort)
    with stderr.status("learning from what came later"):
        trained, counts = train_by_outcomes(history, plan, settings, moments, norms)
    bad.tell_of_the_rest()
    for skill, why in trained.card.left_out.items():
        say(f"left out: {skill}: {why}")
    print_artifact(_saved(options.out, trained), counts, options.out, as_json=options.as_json)


def _by_labels(options: TrainingOptions, labels: Path, settings: Settings, plan: Plan) -> None:
    if options.cohort is not None:
        raise click.UsageError("--cohort goes without LABELS: those name it in a column")
    bad = BadLines(quiet=options.as_json)
    try:
        trained, texts, counts = train_by_labels(options, labels, settings, plan, reporting(decoder_of(settings), bad))
    finally:
        bad.tell_of_the_rest()
    if texts.models:
        _save_text_models(options.out, texts, skills_path(settings.skills))
    print_artifact(_saved(options.out, trained), counts, options.out, texts.models, as_json=options.as_json)


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
