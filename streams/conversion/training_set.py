"""The training-data format: `events.jsonl.gz`, native events in the order of their times, and `labels.csv`.

The same input gives the same bytes: no time of making is written into the archive.
"""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from schemas.dialects.native import encode
from schemas.event import NativeEvent
from streams.conversion.tables import Tally

EVENTS_FILE: Final = "events.jsonl.gz"
LABELS_FILE: Final = "labels.csv"
LABEL_COLUMNS: Final = ("student", "skill", "as_of", "label")


@dataclass(frozen=True, slots=True)
class LabelledStudent:
    """What came of a student: `label` (0 or 1), to be foreseen from events up to and including `as_of`."""

    student: str
    skill: str
    as_of: datetime
    label: int


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A converted data set, and the account of its rows."""

    events: list[NativeEvent]
    outcomes: list[LabelledStudent]
    tally: Tally

    def write(self, folder: Path) -> None:
        """Write both files into `folder`, made if need be. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        _write_events(folder / EVENTS_FILE, self.events)
        with (folder / LABELS_FILE).open("w", newline="", encoding="utf-8") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(LABEL_COLUMNS)
            for outcome in self.outcomes:
                writer.writerow((outcome.student, outcome.skill, _rfc3339(outcome.as_of), outcome.label))


def training_set(events: list[NativeEvent], outcomes: list[LabelledStudent], tally: Tally) -> TrainingSet:
    """Put the events in the order of their times, those of one moment by student, and count them all."""
    ordered = sorted(events, key=lambda event: (event.time, event.student_id))
    for event in ordered:
        tally.events[str(type(event).__struct_config__.tag)] += 1
    tally.labels = len(outcomes)
    return TrainingSet(ordered, sorted(outcomes, key=lambda o: (o.student, o.skill, o.as_of)), tally)


def _write_events(path: Path, events: Iterable[NativeEvent]) -> None:
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zipped:
        for event in events:
            zipped.write(encode(event) + b"\n")


def _rfc3339(moment: datetime) -> str:
    """The same notation as in events."""
    return str(msgspec.to_builtins(moment))
