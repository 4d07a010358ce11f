"""What `skillstream train` was told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.cli.event_files import read_lines
from agents.cli.line_records import records_of_now
from agents.cli.options import HOUR_US
from agents.config.dialects import courses_of
from agents.config.settings import Settings
from streams.replay import FileRecord
from streams.skills.skills_file import load_skills
from streams.training.labels import StudentGroups
from streams.training.norm_timeline import NormPlan
from streams.training.trainer import Plan


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
    empty_bank: bool
    norms_every: float
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

    def norm_plan(self, settings: Settings) -> NormPlan:
        """How norms are published meanwhile."""
        return NormPlan(round(self.norms_every * HOUR_US), courses_of(settings.mapping))

    def records(self) -> Iterator[FileRecord]:
        """The events' lines, from the first on, as records of now."""
        return records_of_now(read_lines([str(self.events)], quiet=self.as_json))
