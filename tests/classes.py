"""Students with their newest updates: a simulated class, and classes of real data where these are at hand."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, TypeVar

import msgspec

from schemas.event import NativeEvent
from schemas.update import SkillUpdate, read_update
from streams.conversion.oulad import convert_oulad
from streams.conversion.pisa import convert_pisa
from streams.conversion.tables import Tables, Tally
from streams.conversion.training_set import TrainingSet
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.simulation import simulate
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from tests.events import fail_source
from tests.shared_data import SHARED

_READ_MS: Final = 1_790_000_000_000
_EVERY: Final = 7
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class StudentClass:
    """The newest updates of a class, in order of the students' ids."""

    name: str
    skill_set: SkillSet
    updates: tuple[SkillUpdate, ...]


def simulated_class(students: int = 60, events: int = 4_800, seed: int = 11) -> StudentClass:
    """Of the default skills: nearly all are profiles."""
    values = (record.value for record in simulate(students, events, seed, faults=0.0))
    return _class("simulated", "default", "default", values)


def pisa_class(students: int) -> StudentClass | None:
    """PISA 2012 'climate control': scores of problem solving by the shipped model. None where the data are not here."""
    return _of_data("pisa", "pisa2012_climate", convert_pisa, "default", students)


def oulad_class(students: int) -> StudentClass | None:
    """The Open University: scores of course success by the shipped model. None where the data are not here."""
    return _of_data("oulad", "oulad", convert_oulad, "course_success", students)


def _of_data(
    name: str, folder: str, convert: Callable[[Tables], TrainingSet], skills: str, students: int
) -> StudentClass | None:
    if not (SHARED / folder).exists():
        return None
    by_student: dict[str, list[NativeEvent]] = {}
    for event in convert(Tables(SHARED / folder, Tally(), lambda table: None)).events:
        by_student.setdefault(event.student_id, []).append(event)
    some = islice(sorted(by_student), 0, students * _EVERY, _EVERY)
    events = chain.from_iterable(by_student[student] for student in some)
    return _class(name, skills, skills, map(msgspec.json.encode, events))


def _class(name: str, skills: str, artifact: str, values: Iterable[bytes]) -> StudentClass:
    skill_set = load_skills(skills)
    replay = Replay(Pipeline(skill_set, load_artifact(artifact), on_failure=fail_source))
    records = (FileRecord(offset, _READ_MS, value) for offset, value in enumerate(values))
    newest = {student: update for batch in batches(records) for student, update in _fed(replay, batch)}
    return StudentClass(name, skill_set, tuple(newest[student] for student in sorted(newest)))


def _fed(replay: Replay, batch: list[FileRecord]) -> Iterator[tuple[bytes, SkillUpdate]]:
    for student, written in asyncio.run(replay.feed(batch)).updates.items():
        yield student, read_update(written)
