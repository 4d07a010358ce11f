"""`skillstream train`: a model artifact from events and labels."""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec
import orjson
from rich.table import Table

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr, stdout
from agents.cli.event_files import existing, read_lines
from agents.cli.line_records import LineRecord, reporting
from agents.cli.outcome import OutOfReach
from agents.cli.parameters import NewFolder, Number, NumberList, Pattern
from agents.config.dialects import decoder_of
from agents.config.settings import Settings, load_settings
from streams.evidence.artifacts import Artifact, save_artifact
from streams.evidence.model import ModelSource
from streams.replay import FileRecord
from streams.skills.skill_set import load_skills
from streams.training.holdout import holdout_figures
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups, read_labels
from streams.training.moments import Moment, MomentCounts, moments_of
from streams.training.trainer import Plan, Trained, train


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """The command's arguments and options, by their names there."""

    events: Path
    labels: Path
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
@click.argument("labels", metavar="LABELS", type=click.Path(path_type=Path))
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
@click.option("--labels-source", default="not said", help="Where the labels are from, for the card.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the card as one JSON object.")
def command(**given: Any) -> None:
    """Train a model for every skill that LABELS (student,skill,as_of,label) speaks of, from EVENTS.

    Settings are the workers', so that events have the same results here.
    """
    options = TrainingOptions(**given)
    if existing(str(options.events)) is None:
        raise click.UsageError("EVENTS are read more than once: name a file, not standard input")
    settings = load_settings(
        os.environ, options.config, skills=options.skills, mapping=options.mapping, reasoning="off"
    )
    decode, plan = decoder_of(settings), options.plan(settings)
    try:
        wanted = read_labels(options.labels, plan.skill_set.names)
    except OSError as error:
        raise OutOfReach(f"{options.labels}: {error.strerror}") from None
    bad = BadLines(quiet=options.as_json)
    moments = moments_of(
        options.records(),
        wanted,
        plan.skill_set,
        options.moments,
        counts=options.counts,
        withdrawn=True,
        decode=reporting(decode, bad),
        known_ids=settings.known_ids,
    )
    states, account = asyncio.run(moments)
    bad.tell_of_the_rest()
    held = {label for label in wanted if plan.groups.held_out(label.student, options.holdout, options.seed)}
    unseen = _score_held_out(plan, states, held) if held else {}
    with stderr.status("training on all students"):
        trained = train(states, plan)
    trained = _with_figures(trained, unseen)
    try:
        artifact = save_artifact(options.out, trained.card, trained.models)
    except OSError as error:
        raise OutOfReach(f"{error.filename or options.out}: {error.strerror}") from None
    _print(artifact, account, options.out, options.as_json)


def _score_held_out(plan: Plan, states: list[Moment], held: set[Label]) -> dict[str, dict[str, float]]:
    with TemporaryDirectory() as folder, stderr.status("training without the held-out students"):
        trained = train([state for state in states if state.label not in held], plan)
        artifact = save_artifact(Path(folder), trained.card, trained.models)
    unseen = [state for state in states if state.own and state.label in held]
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


def _print(artifact: Artifact, account: MomentCounts, out: Path, as_json: bool) -> None:
    size_bytes = sum(path.stat().st_size for path in out.iterdir() if path.is_file())
    summary: dict[str, Any] = {
        "artifact": artifact.id,
        "size_bytes": size_bytes,
        "events": account.records,
        "unreadable": account.unreadable,
        "students_without_label": len(account.unlabelled_students),
        "labels_without_events": account.labels_without_events,
    }
    if as_json:
        stdout.print(orjson.dumps({**summary, "card": msgspec.to_builtins(artifact.card)}).decode(), soft_wrap=True)
        return
    table = Table("", "", show_header=False, box=None)
    for heading, figure in summary.items():
        table.add_row(heading, str(figure))
    for skill, card in artifact.card.skills.items():
        table.add_row("", "")
        table.add_row(skill, f"{card.examples:,} labels of {card.students:,} students, {len(card.features)} features")
        for heading, value in card.metrics.items():
            table.add_row(f"  {heading}", f"{value:g}")
        if card.fusion:
            table.add_row("  weights", ", ".join(f"{source} {w:g}" for source, w in card.fusion.weights.items()))
    stdout.print(table)
