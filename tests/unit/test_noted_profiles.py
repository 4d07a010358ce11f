"""What a row notes of a profile: a number that moves with what the profile shows, though it is no score."""

import pytest

from schemas.update import SkillProfile
from streams.rows.codec import decode_row
from streams.rows.row import SkillState
from streams.vocabulary import skill_code
from tests.events import processed, raw, records, rows_of, updates_of

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
