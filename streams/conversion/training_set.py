"""The training-data format: `events.jsonl.gz`, native events in the order of their times, and `labels.csv`, if any.

The same input gives the same bytes: no time of making is written into the archive.
"""

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
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
    """What came of a student: `label` (0 or 1), to be foreseen from events up to and including `as_of`.

    `columns` are what it may be grouped by, by name: the same names for all of a data set.
    """

    student: str
    skill: str
    as_of: datetime
    label: int
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A converted data set, and the account of its rows. Data that are not `labelled` have no outcomes."""

    events: list[NativeEvent]
    outcomes: list[LabelledStudent]
    tally: Tally
    labelled: bool = True

    def write(self, folder: Path) -> list[Path]:
        """Write the files into `folder`, made if need be; return them. One that is not whole is not there.

        Raises OSError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            written = [_write_events(Path(unfinished), self.events)]
            if self.labelled:
                written.append(_write_labels(Path(unfinished), self.outcomes))
            return [path.replace(folder / path.name) for path in written]


def training_set(events: list[NativeEvent], outcomes: list[LabelledStudent] | None, tally: Tally) -> TrainingSet:
    """Put the events in the order of their times, those of one moment by student, and count them all.

    `outcomes` is None where the data are not labelled.
    """
    ordered = sorted(events, key=lambda event: (event.time, event.student_id))
    for event in ordered:
        tally.events[str(type(event).__struct_config__.tag)] += 1
    tally.labels = len(outcomes or ())
    labels = sorted(outcomes or (), key=lambda o: (o.student, o.skill, o.as_of))
    return TrainingSet(ordered, labels, tally, labelled=outcomes is not None)


def _write_events(folder: Path, events: Iterable[NativeEvent]) -> Path:
    path = folder / EVENTS_FILE
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zipped:
        for event in events:
            zipped.write(encode(event) + b"\n")
    return path


def _write_labels(folder: Path, outcomes: Sequence[LabelledStudent]) -> Path:
    path = folder / LABELS_FILE
    with path.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text, lineterminator="\n")
        more = [name for name, _ in outcomes[0].columns] if outcomes else []
        writer.writerow((*LABEL_COLUMNS, *more))
        for outcome in outcomes:
            values = [value for _, value in outcome.columns]
            writer.writerow((outcome.student, outcome.skill, _rfc3339(outcome.as_of), outcome.label, *values))
    return path


def _rfc3339(moment: datetime) -> str:
    """The same notation as in events."""
    return str(msgspec.to_builtins(moment))
