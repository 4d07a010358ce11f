"""The row: its bytes are a contract with every changelog, and bounded."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Fatal
from schemas.event import NativeEvent
from streams.batch import MAX_ORIGINS
from streams.facts import FACTS
from streams.row import (
    HALF_LIFE_US,
    ID_BYTES,
    MAX_CONTROLS,
    MAX_EVIDENCE,
    MAX_IDS,
    MAX_OPEN_FAILURES,
    MAX_ROW_BYTES,
    ROW_VERSION,
    ControlUse,
    Pending,
    Row,
    SkillCell,
    Telling,
    Totals,
    decode_row,
    encode_row,
)
from streams.skills import MAX_PHRASE_BYTES, MAX_SKILLS
from tests.events import folded
from tests.unit.strategies import events

EVERY_FIELD = Row(
    version=1,
    epoch=2,
    offset=70_000,
    reference_us=1_700_000_000_000_000,
    first_us=1_699_000_000_000_000,
    as_of_us=1_700_000_500_000_000,
    events=9,
    late=1,
    facts={3: Totals(2, 1.5, 1.25, 0.75, 0.5, 1_700_000_000)},
    controls={77: ControlUse(2, 1)},
    skills={
        "empathy": SkillCell(
            1.0,
            0.5,
            1_700_000_000,
            2.0,
            1.5,
            1_700_000_001,
            0.625,
            0.25,
            0.5,
            [Telling("~so sad", 0.5, 1_700_000_000, 5)],
        )
    },
    ids=b"12345678",
    origins={3: (41, 0)},
    open_failures={99: 1_700_000_000_000_000},
    pending=Pending(2, 69_000, 0.5, 1_700_000_000_000_000, 1, 1_700_000_600_000_000),
    erased_us=0,
)
VERSION_1 = bytes.fromhex(
    "dc00100102ce00011170cf00060a24181e4000cf0006093b43793000cf00060a2435eba500090181039602cb3ff800000000"
    "0000cb3ff4000000000000cb3fe8000000000000cb3fe0000000000000ce6553f100814d92020181a7656d70617468799acb"
    "3ff0000000000000cb3fe0000000000000ce6553f100cb4000000000000000cb3ff8000000000000ce6553f101cb3fe40000"
    "00000000cb3fd0000000000000cb3fe00000000000009194a77e736f20736164cb3fe0000000000000ce6553f10005c40831"
    "3233343536373881039229008163cf00060a24181e40009602ce00010d88cb3fe0000000000000cf00060a24181e400001cf"
    "00060a243be1860000"
)


def test_the_encoding_of_version_1_stays_as_it_is() -> None:
    """Rows of running deployments look like this. If it must change: raise ROW_VERSION and upcast, don't edit."""
    assert ROW_VERSION == 1
    assert encode_row(EVERY_FIELD) == VERSION_1
    assert decode_row(VERSION_1) == EVERY_FIELD


def test_every_field_differs_from_its_default_in_the_sample() -> None:
    for name in set(Row.__struct_fields__) - {"version", "erased_us"}:
        assert getattr(EVERY_FIELD, name) != getattr(Row(), name)


@given(st.lists(events(), max_size=20))
def test_what_is_encoded_reads_back_to_equal_bytes(taken: list[NativeEvent]) -> None:
    row = folded(*taken)

    stored = encode_row(row)

    assert decode_row(stored) == row
    assert encode_row(decode_row(stored)) == stored


@pytest.mark.parametrize("stored", [encode_row(Row(version=ROW_VERSION + 1)), b"", b"\xc0", b"{}", VERSION_1[:-3]])
def test_a_row_that_cannot_be_understood_stops_the_worker(stored: bytes) -> None:
    with pytest.raises(Fatal):
        decode_row(stored)


FULL = 1.2345678901234567
LATEST_S, LATEST_US = 2**32 - 1, 4_102_444_800_000_000
LONGEST_TELLING = Telling("~" + "x" * MAX_PHRASE_BYTES, FULL, LATEST_S, -30)


def full_cell() -> SkillCell:
    return SkillCell(FULL, FULL, LATEST_S, FULL, FULL, LATEST_S, FULL, FULL, FULL, [LONGEST_TELLING] * MAX_EVIDENCE)


def worst_case(skills: int) -> Row:
    """Every bounded field full, every number as wide as it comes."""
    totals = Totals(10**9, FULL, FULL, FULL, FULL, LATEST_S)
    wide = range(2**32 - 1, 0, -1)
    return Row(
        epoch=2**31,
        offset=2**62,
        reference_us=LATEST_US,
        first_us=LATEST_US,
        as_of_us=LATEST_US,
        events=10**9,
        late=10**9,
        facts=dict.fromkeys(range(len(FACTS)), totals),
        controls=dict.fromkeys(wide[:MAX_CONTROLS], ControlUse(10**9, 10**9)),
        skills={f"{number:032}": full_cell() for number in range(skills)},
        ids=b"x" * MAX_IDS * ID_BYTES,
        origins=dict.fromkeys(range(10**9 - MAX_ORIGINS, 10**9), (2**59, 10**9 - 1)),
        open_failures=dict.fromkeys(wide[:MAX_OPEN_FAILURES], LATEST_US),
        pending=Pending(2**31, 2**62, FULL, LATEST_US, 10**9, LATEST_US),
        erased_us=LATEST_US,
    )


def test_the_worst_row_stays_within_its_bound_and_gives_nothing_up() -> None:
    row = worst_case(MAX_SKILLS)

    stored = encode_row(row)

    assert len(stored) <= MAX_ROW_BYTES
    assert decode_row(stored) == worst_case(MAX_SKILLS)


def test_cells_of_skills_no_longer_configured_do_not_break_the_bound_while_evidence_can_be_given_up() -> None:
    row = worst_case(MAX_SKILLS * 2)

    stored = encode_row(row)

    assert len(stored) <= MAX_ROW_BYTES
    kept = decode_row(stored)
    assert kept.facts == row.facts
    assert all(len(cell.telling) < MAX_EVIDENCE for cell in kept.skills.values())


def test_the_widest_evidence_item_has_48_bytes_at_most() -> None:
    assert len(msgspec.msgpack.encode(LONGEST_TELLING)) <= 48
    assert all(len(fact) <= len(LONGEST_TELLING.fact) for fact in FACTS)


def test_the_half_life_of_stored_sums_stays_as_it_is() -> None:
    """Rows hold sums at this half-life; another one needs another row version."""
    assert HALF_LIFE_US == 30 * 86_400_000_000
