"""`skillstream evaluate`: how good an artifact's scores are."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from agents.cli.bad_lines import BadLines
from agents.cli.console import stdout
from agents.cli.evaluation_makers import EvaluationRequest, maker_of
from agents.cli.evaluation_tables import tables
from agents.cli.event_files import existing, read_lines
from agents.cli.fitted_table import print_fitted
from agents.cli.line_records import records_of_now, reporting
from agents.cli.options import HOUR_US, config_option, mapping_option, norms_every_option
from agents.cli.outcome import OutOfReach
from agents.cli.parameters import NewFolder, NumberList, Pattern, Seed
from agents.cli.stages import counting, say, stage
from agents.config.dialects import courses_of, decoder_of
from agents.config.models import artifact_of
from agents.config.settings import Settings, load_settings
from agents.report.page import write_report
from streams.evaluation.bootstrap import REPEATS
from streams.evaluation.evaluation import Evaluation, evaluate
from streams.evidence.artifacts import Artifact
from streams.replay import FileRecord
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from streams.training.labels import StudentGroups
from streams.training.norm_timeline import NormPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """The command's arguments and options, by their names there."""

    events: Path
    labels: Path | None
    config: str | None
    skills: str | None
    model: str | None
    mapping: str | None
    pattern: re.Pattern[str] | None
    counts: tuple[int, ...]
    norms_every: float
    bootstrap: int
    seed: int
    as_json: bool
    report: Path | None
    notes: list[str] = field(default_factory=list)

    def request(self, settings: Settings, bad: BadLines) -> EvaluationRequest:
        """What the maker of predictions is asked."""
        return EvaluationRequest(
            records=self._records,
            labels=self.labels,
            skill_set=load_skills(settings.skills),
            artifact=artifact_of(settings),
            decode=reporting(decoder_of(settings), bad),
            quiet=decoder_of(settings),
            known_ids=settings.known_ids,
            counts=self.counts,
            components=settings.components_per_student,
            groups=StudentGroups(self.pattern),
            norms=NormPlan(round(self.norms_every * HOUR_US), courses_of(settings.mapping)),
            seed=self.seed,
            note=self.notes.append,
        )

    def _records(self) -> Iterator[FileRecord]:
        return records_of_now(counting(read_lines([str(self.events)]), "lines"))


@click.command(name="evaluate")
@click.argument("events", metavar="EVENTS", type=click.Path(path_type=Path))
@click.argument("labels", metavar="[LABELS]", required=False, type=click.Path(path_type=Path))
@click.option("--model", metavar="DIR", help="Model artifact (SKILLSTREAM_MODEL).")
@click.option("--skills", metavar="SET", help="Skill set (SKILLSTREAM_SKILLS).")
@config_option
@mapping_option
@click.option(
    "--person",
    "pattern",
    type=Pattern(),
    metavar="REGEX",
    help="The part of a student id that names the person; all by default.",
)
@click.option(
    "--counts",
    default="3,5,8,16",
    show_default=True,
    type=NumberList(),
    metavar="N,N,…",
    help="Score students also when they had so many events; '' for none.",
)
@norms_every_option
@click.option(
    "--bootstrap", default=REPEATS, show_default=True, type=click.IntRange(0, 10_000), help="Draws of students."
)
@click.option("--seed", default=0, show_default=True, type=Seed())
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
@click.option("--report", type=NewFolder(), metavar="DIR", help="Write a page with plots into this folder.")
def command(**given: Any) -> None:
    """Say how good the scores are that a worker with this model has of EVENTS, by what came of the students.

    LABELS (student,skill,as_of,label) say what came; label is within 0 and 1, and further columns are groups to
    compare. Without LABELS, skills that name an outcome are judged by what came later in EVENTS. The students must be
    none that the model was trained on. docs/evaluating.md says what the figures mean.
    """
    options = EvaluationOptions(**given)
    if existing(str(options.events)) is None:
        raise click.UsageError("EVENTS may be read more than once: name a file, not standard input")
    settings = load_settings(
        os.environ,
        options.config,
        skills=options.skills,
        model=options.model,
        mapping=options.mapping,
        reasoning="off",
    )
    bad = BadLines(quiet=False)
    request = options.request(settings, bad)
    try:
        made = maker_of(request)(request)
    finally:
        bad.tell_of_the_rest()
    evaluations = {}
    for skill, subject in made.items():
        with stage(f"evaluating {skill}, predictions: {len(subject.predictions):,}"):
            evaluations[skill] = evaluate(subject, options.bootstrap, options.seed)
    for note in options.notes:
        say(f"note: {note}")
    if options.report:
        _write_report(evaluations, request.artifact, options)
    _print(evaluations, request.artifact, request.skill_set, options)


def _write_report(evaluations: dict[str, Evaluation], artifact: Artifact, options: EvaluationOptions) -> None:
    assert options.report
    about = f"Model {artifact.id}, on {options.events.name}{f' and {options.labels.name}' if options.labels else ''}."
    try:
        page = write_report(options.report, evaluations, [about, *options.notes])
    except OSError as error:
        raise OutOfReach(f"{error.filename or options.report}: {error.strerror}") from None
    say(f"written: {page}")


def _print(
    evaluations: dict[str, Evaluation], artifact: Artifact, skill_set: SkillSet, options: EvaluationOptions
) -> None:
    if options.as_json:
        found = {
            "skills": {skill: each.as_json() for skill, each in evaluations.items()},
            "artifact": artifact.id,
            "skill_set": skill_set.name,
            "notes": options.notes,
        }
        stdout.print(orjson.dumps(found).decode(), soft_wrap=True)
        return
    for part in tables(evaluations):
        if isinstance(part, Table):
            print_fitted(part)
        else:
            stdout.print(part)
