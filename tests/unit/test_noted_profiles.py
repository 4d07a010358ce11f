"""What a row notes of a profile: a number that moves with what the profile shows, though it is no score."""

import asyncio

import pytest

from schemas.update import SkillProfile
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.codec import decode_row
from streams.rows.row import SkillState
from streams.simulation import simulate
from streams.vocabulary import skill_code
from tests.events import default_skills, fail_source, processed, raw, records, rows_of, updates_of

NOW_MS = 1_900_000_000_000
FAILURES = [raw("attempt", event_id=f"a{n}", item_id=f"i{n}", score=0.0, success=False, minute=n) for n in range(6)]


def resilience(retries: int) -> SkillState:
    """The row's state of the skill after six failures and so many new tries; the update shows it as a profile."""
    tries = [raw("retry", event_id=f"r{n}", item_id=f"i{n}", minute=10 + n) for n in range(retries)]
    done = processed(records([*FAILURES, *tries]), scores=True)
    assert isinstance(updates_of(done)[0].skills["resilience"], SkillProfile)
    return decode_row(rows_of(done)["ada"]).skills[skill_code("resilience")]


def test_the_number_of_a_profile_moves_as_its_indicators_do_though_no_platform_is_known_to_tell_them() -> None:
    few, many = resilience(1), resilience(6)
    assert 0 < few.score < many.score < 1
    assert 0 < few.confidence == pytest.approx(many.confidence, abs=1e-3)


@pytest.mark.parametrize("batch", [30, 400])
def test_what_rows_note_does_not_depend_on_where_batches_are_cut(batch: int) -> None:
    """Also of whom the shipped model speaks for a while, until most of what they do is unlike its training."""
    events = [FileRecord(at, NOW_MS, each.value) for at, each in enumerate(simulate(1_000, 3_000, seed=7))]
    assert table(events, batch) == table(events, len(events))


def table(events: list[FileRecord], batch: int) -> dict[bytes, bytes]:
    replay = Replay(Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source))
    for start in range(0, len(events), batch):
        asyncio.run(replay.feed(events[start : start + batch]))
    return {key: row for partition in replay.rows.partitions() for key, row in replay.rows.items(partition)}
