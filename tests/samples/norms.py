"""What `skillstream norms show` and `history` print, written into docs/norms.md: two courses who answer for three days.

Norms are made by the code that workers run, a day of the records' time at a time. One item is much harder than the
others of its component, one is right always, one is asked in both courses.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from random import Random
from typing import Final

from rich.console import Console
from rich.table import Table

from agents.cli.fitted_table import print_fitted
from agents.cli.norms_page import history_row, norms_table, snapshots_table
from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot, snapshot_records
from agents.operations.norms import known_since_us, shown_items, shown_norms, students_of
from streams.evidence.artifacts import NO_ARTIFACT
from streams.norms.offline import OfflineNorms
from streams.norms.snapshot import NormSnapshot
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.skills.skills_file import load_skills
from tests.events import NOW_MS, NOW_US, fail_source, raw

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "norms.md"
DAYS: Final = 3
_DAY_MINUTES: Final = 24 * 60
_DAY_US: Final = _DAY_MINUTES * 60_000_000
_WIDTH: Final = 100
_STUDENTS: Final = {"geometry-a": 26, "geometry-b": 18}
_ITEMS: Final = {
    "angle-1": (0.70, 40, "angles"),
    "angle-2": (0.62, 65, "angles"),
    "angle-3": (0.66, 50, "angles"),
    "angle-4": (0.12, 180, "angles"),
    "area-1": (1.0, 12, "areas"),
    "area-2": (0.55, 95, "areas"),
    "area-3": (0.48, 120, "areas"),
}
"""The share who know, the usual seconds, and the component."""
_COMPONENTS: Final = {"geometry-a": "angles", "geometry-b": "areas"}
_IN_BOTH: Final = {"area-2"}
_BLOCK: Final = re.compile(r"(<!-- make samples writes (\w+) from here -->\n).*?(<!-- to here -->)", re.DOTALL)


def snapshots() -> list[NormSnapshot]:
    """One a day, each made of all answers until then."""
    return asyncio.run(_snapshots())


def written(page: str) -> str:
    """The page with what the commands print in the places that are marked."""
    made = snapshots()
    newest = made[-1]
    items = list(shown_items(newest, known_since_us(made, "items")))
    cohorts = list(shown_norms(newest, "cohorts", known_since_us(made, "cohorts")))
    printed = {
        "items": _shown(newest, "show", norms_table(items)),
        "cohorts": _shown(newest, "show --cohorts", norms_table(cohorts)),
        "history": _printed("history", snapshots_table([history_row(*each) for each in _kept(made)])),
    }
    return _BLOCK.sub(lambda found: f"{found[1]}```text\n{printed[found[2]]}```\n{found[3]}", page)


async def _snapshots() -> list[NormSnapshot]:
    norms, rng = OfflineNorms(_DAY_US, {}), Random(4)
    replay = Replay(Pipeline(load_skills("default"), NO_ARTIFACT, on_failure=fail_source), scores=False)
    made: list[NormSnapshot] = []
    offset = 0
    for day in range(DAYS):
        values = list(_answers(day, rng))
        timestamp_ms = NOW_MS + (day + 1) * _DAY_MINUTES * 60_000
        records = [FileRecord(offset + at, timestamp_ms, value) for at, value in enumerate(values)]
        offset += len(records)
        result = await replay.feed(records)
        norms.note(result.rows, result.first_answers)
        view = norms.turn(NOW_US + (day + 1) * _DAY_US)
        if view is not None and (not made or view.version != made[-1].version):
            made.append(view.snapshot)
    return made


def _answers(day: int, rng: Random) -> Iterator[bytes]:
    """First answers to the items of that day, by each student of a course in which they are asked."""
    for course, students in _STUDENTS.items():
        for number, (item, (share, seconds, component)) in enumerate(_ITEMS.items()):
            if number % DAYS != day or not (item in _IN_BOTH or component == _COMPONENTS[course]):
                continue
            for student in range(students):
                is_right = rng.random() < share
                yield raw(
                    student=f"{course}-{student}",
                    event_id=f"{item}-{course}-{student}",
                    minute=day * _DAY_MINUTES + student,
                    item_id=item,
                    course_id=course,
                    kcs=[component],
                    attempt=1,
                    score=float(is_right),
                    passed=is_right,
                    duration_s=round(seconds * rng.lognormvariate(0, 0.5), 1) + 4,
                )


def _kept(made: Sequence[NormSnapshot]) -> Iterator[tuple[WrittenSnapshot, int]]:
    for snapshot in made:
        records = [FileRecord(0, NOW_MS, value, key=key) for key, value in snapshot_records(snapshot)]
        for each in SnapshotLog().note_all(records):
            assert isinstance(each, WrittenSnapshot)
            yield each, students_of(snapshot)


def _shown(snapshot: NormSnapshot, command: str, table: Table) -> str:
    heading = f"norms_version {snapshot.version}, number {snapshot.number}: {table.row_count} "
    return _printed(command, table, heading + ("cohorts" if "cohorts" in command else "items"))


def _printed(command: str, table: Table, heading: str = "") -> str:
    """A command, and what it prints."""
    console = Console(file=StringIO(), width=_WIDTH, highlight=False)
    if heading:
        console.print(heading, markup=False)
    print_fitted(table, console)
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return "\n".join([f"$ skillstream norms {command}", *lines, ""])
