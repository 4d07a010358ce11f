"""The sample of levels: as the updates say, bounded, and taken once a minute."""

from collections import Counter
from random import Random

import pytest

from agents.dashboard.figures import SkillsFigure
from agents.dashboard.level_sample import SAMPLED_EVERY_S, SAMPLED_STUDENTS, LevelSample
from schemas.update import read_update
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.rows.table import PartitionedRows
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
from tests.agents.situation import Clock
from tests.events import fail_source

STUDENTS = 700
_pipeline = Pipeline(load_skills("default"), load_artifact("default"), on_failure=fail_source)


async def folded(students: int, events: int) -> tuple[PartitionedRows, dict[bytes, bytes]]:
    """The rows of a simulated class, and the last update of each student."""
    replay, updates = Replay(_pipeline), dict[bytes, bytes]()
    records = (
        FileRecord(offset, 1_800_000_000_000, each.value, key=each.key)
        for offset, each in enumerate(simulate(students, events, seed=3, faults=0))
    )
    for batch in batches(records):
        updates |= (await replay.feed(batch)).updates
    return replay.rows, updates


def by_skill(figure: SkillsFigure) -> dict[str, dict[str, int]]:
    return {each.skill: each.levels for each in figure.skills}


async def test_of_a_small_class_everybody_counts_and_as_the_last_update_says() -> None:
    rows, updates = await folded(120, 2_000)
    sample = await LevelSample(rows, _pipeline, lambda: [0]).now()

    expected: dict[str, Counter[str]] = {}
    for update in map(read_update, updates.values()):
        for name, skill in update.skills.items():
            expected.setdefault(name, Counter())[getattr(skill, "level", "profile")] += 1
    assert (sample.students, sample.sampled) == (len(updates), len(updates))
    assert by_skill(sample) == {name: dict(levels) for name, levels in expected.items()}


async def test_of_many_students_a_bounded_number_is_looked_at_from_each_partition_its_share() -> None:
    rows, _ = await folded(STUDENTS, 3_000)
    spread = PartitionedRows()
    for number, (key, row) in enumerate(rows.items(0)):
        spread.put(min(number % 4, 1), key, row)
    sample = await LevelSample(spread, _pipeline, lambda: [0, 1], Random(1)).now()

    assert sample.students == len(rows)
    assert sample.sampled in (SAMPLED_STUDENTS, SAMPLED_STUDENTS + 1)
    assert max(sum(levels.values()) for levels in by_skill(sample).values()) <= SAMPLED_STUDENTS + 1


async def test_it_is_taken_once_a_minute_of_what_is_owned_then() -> None:
    rows, _ = await folded(50, 500)
    clock, owned = Clock(), [0]
    sample = LevelSample(rows, _pipeline, lambda: owned, clock_s=clock)
    first = await sample.now()
    owned.clear()

    assert first.students == rows.count(0)
    assert await sample.now() == first
    clock.now_s += SAMPLED_EVERY_S
    assert await sample.now() == SkillsFigure()


@pytest.mark.parametrize("row", [b"", b"\xff" * 900])
async def test_rows_that_cannot_be_read_are_the_table_s_to_report(row: bytes) -> None:
    rows = PartitionedRows()
    rows.put(0, b"s", row)

    assert await LevelSample(rows, _pipeline, lambda: [0]).now() == SkillsFigure()
