"""What is no row: it stops the worker, whatever is wrong with it."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import Fatal
from streams.rows.codec import decode_row, encode_row
from streams.rows.layout import (
    ERASED_VERSION,
    MAX_FACTS,
    ROW_VERSION,
)
from streams.rows.row import (
    Row,
    SkillState,
)
from streams.rows.v1 import EvidenceItemV1, TotalsV1
from tests.unit.stored_rows import (
    COMPONENTS,
    ENROLMENT,
    ENROLMENT_WITH_SOURCE,
    ERASURE,
    EVERY_FIELD,
    EXPLANATIONS,
    NORMS,
    TASKS,
    VERSION_1,
    VERSION_2,
    VERSION_3,
    VERSION_4,
    VERSION_5,
    VERSION_6,
    VERSION_7,
    VERSION_8,
    VERSION_9,
    WEEKS,
    first_version,
)

WITH_TASKS = encode_row(msgspec.structs.replace(EVERY_FIELD, tasks=TASKS))
WITH_WEEKS = encode_row(msgspec.structs.replace(EVERY_FIELD, weeks=WEEKS))
TWO_SKILL_STATES = encode_row(Row(skills={1: SkillState(score=0.25), 2: SkillState(score=0.5)}))
NOT_ROWS = {
    "nothing": b"",
    "MessagePack nil": b"\xc0",
    "JSON": b"{}",
    "version 1 cut off": VERSION_1[:-3],
    "version 1 and more": VERSION_1 + b"\x00",
    "version 2 with a header cut off": VERSION_2[:100],
    "version 2 cut off by a word": VERSION_2[:-8],
    "version 2 and a word more": VERSION_2 + bytes(8),
    "version 3 with a header cut off": VERSION_3[:100],
    "version 3 cut off by a word": VERSION_3[:-8],
    "a header cut off": VERSION_4[:100],
    "cut off by a byte": VERSION_4[:-1],
    "cut off by a word": VERSION_4[:-8],
    "a word too many": VERSION_4 + bytes(8),
    "a cell with more evidence items than there are": VERSION_4.replace(
        b"\x01\xf1\x53\x65\x01", b"\x01\xf1\x53\x65\x02"
    ),
    "a cell with fewer evidence items than there are": VERSION_4.replace(
        b"\x01\xf1\x53\x65\x01", b"\x01\xf1\x53\x65\x00"
    ),
    "two cells of one skill": TWO_SKILL_STATES.replace(
        b"\x02\x00\x00\x00" + bytes(12), b"\x01\x00\x00\x00" + bytes(12)
    ),
    "version 4 with components": VERSION_4 + COMPONENTS,
    "version 5 without components": b"\x05" + VERSION_4[1:],
    "version 5 with no components": b"\x05" + VERSION_4[1:] + bytes(8),
    "version 5 cut off by a word": VERSION_5[:-8],
    "version 5 and a word more": VERSION_5 + bytes(8),
    "version 5 with billions of components": b"\x05" + VERSION_4[1:] + b"\xff" * 16,
    "a component without a name": VERSION_5.replace(b"\x03\x00\x07\x00", b"\x0a\x00\x00\x00"),
    "names of other lengths": VERSION_5.replace(b"\x03\x00\x07\x00", b"\x03\x00\x06\x00"),
    "a name of another component": VERSION_5.replace(b"LCM", b"GCD"),
    "something behind the names": VERSION_5[:-1] + b"x",
    "version 6 without explanations": b"\x06" + VERSION_5[1:],
    "version 6 with no explanations": b"\x06" + VERSION_4[1:] + bytes(8) + COMPONENTS,
    "version 6 cut off by a word": VERSION_6[:-8],
    "version 6 cut off in the explanations": VERSION_6[: len(VERSION_4) + 16],
    "version 6 with more explanations than there are": VERSION_6.replace(b"\x40\0\0\0\0\0\0\0", b"\xf8" + bytes(7)),
    "explanations with billions of counts": VERSION_6.replace(b"\x02\0\0\0" + bytes(8), b"\xff" * 4 + bytes(8)),
    "explanations in another order": VERSION_6.replace(EXPLANATIONS, EXPLANATIONS[48:] + EXPLANATIONS[:48]),
    "two explanations of one skill": VERSION_6.replace(EXPLANATIONS[48:52], EXPLANATIONS[:4]),
    "version 7 with one word of lengths": b"\x07" + VERSION_4[1:] + b"\1" + bytes(7),
    "version 7 with no enrolment and no weeks": b"\x07" + WITH_TASKS[1 : -len(TASKS)] + bytes(8) + TASKS,
    "version 7 cut off by a word": VERSION_7[:-8],
    "version 7 cut off in the weeks": VERSION_7[: -len(COMPONENTS) - 8],
    "an enrolment that is no text": VERSION_7.replace(b"7bS", b"\xff\xffS"),
    "an enrolment of other lengths": VERSION_7.replace(ENROLMENT[:6], b"\0\0\x02\0\x05\0"),
    "an enrolment longer than its part": VERSION_7.replace(ENROLMENT[:6], b"\xff" * 6),
    "an enrolment of nothing": VERSION_7.replace(ENROLMENT, bytes(len(ENROLMENT))),
    "more skills in the week under way than there are": VERSION_7.replace(WEEKS[:4], WEEKS[:2] + b"\xff\xff"),
    "more weeks than there are": VERSION_7.replace(WEEKS[24:32], WEEKS[24:28] + b"\xff" * 4),
    "weeks in another order": VERSION_7.replace(WEEKS[32:], WEEKS[40:] + WEEKS[32:40]),
    "two weeks that are one": VERSION_7.replace(WEEKS[32:40], WEEKS[40:]),
    "version 7 with a source": VERSION_7.replace(
        len(ENROLMENT).to_bytes(4, "little") + len(WEEKS).to_bytes(4, "little"),
        len(ENROLMENT_WITH_SOURCE).to_bytes(4, "little") + len(WEEKS).to_bytes(4, "little"),
    ).replace(ENROLMENT, ENROLMENT_WITH_SOURCE),
    "version 8 with no norms and no source": b"\x08" + WITH_WEEKS[1:].replace(WEEKS, bytes(8) + WEEKS),
    "version 8 with two words before its parts": b"\x08" + VERSION_7[1:],
    "version 8 cut off by a word": VERSION_8[:-8],
    "version 8 cut off in the norms": VERSION_8[: VERSION_8.index(NORMS)],
    "version 8 without norms": VERSION_8.replace(NORMS, b""),
    "version 9 cut off by a word": VERSION_9[:-8],
    "version 9 cut off in the erasure": VERSION_9[: VERSION_9.index(ERASURE) + 8],
    "version 9 without an erasure": VERSION_9.replace(ERASURE, b""),
    "version 9 with an end too few": VERSION_9.replace(ERASURE, ERASURE[:4] + b"\x01" + ERASURE[5:]),
    "tasks that are not there": WITH_TASKS[: -len(TASKS)],
    "tasks cut off by a word": WITH_TASKS[:-8],
    "more tasks than there are": WITH_TASKS.replace(TASKS[:8], b"\x03" + bytes(7)),
    "no tasks": WITH_TASKS.replace(TASKS[:8], bytes(8)),
    "billions of tasks": WITH_TASKS.replace(TASKS[:8], b"\xff" * 8),
    "tasks in another order": WITH_TASKS.replace(TASKS[8:12], b"\xff" * 4),
    "a name of a task that is longer than the part": WITH_TASKS.replace(TASKS[12:16], b"\xff" * 4),
    "something behind a name of a task": WITH_TASKS.replace(b"Sums\0", b"Sums\1"),
    "a name of a task that is no text": WITH_TASKS.replace(b"Sums", b"\xff\xff\xff\xff"),
    "version 1 with a fact of another program": first_version([EvidenceItemV1("danced", 1.0, 1, 1)]),
    "version 1 with more events than fit": first_version(events=2**32),
    "version 1 with fewer than no events": first_version(events=-1),
    "version 1 with a fact beyond all": first_version(facts={MAX_FACTS: TotalsV1(1, 1.0, 1.0, 1.0, 1.0, 1)}),
    "version 1 with a negative fact": first_version(facts={-1: TotalsV1(1, 1.0, 1.0, 1.0, 1.0, 1)}),
    "version 1 with a negative item": first_version(open_failures={-1: 1}),
    "version 1 with more evidence than fits": first_version([EvidenceItemV1("late", 1.0, 1, 1)] * 300),
    "version 1 with a part of an id": first_version(ids=b"123456789"),
}


@pytest.mark.parametrize("stored", NOT_ROWS.values(), ids=NOT_ROWS)
def test_a_row_that_cannot_be_understood_stops_the_worker(stored: bytes) -> None:
    with pytest.raises(Fatal, match="a stored row"):
        decode_row(stored)


@pytest.mark.parametrize("version", [10, 11, 127])
def test_a_row_of_a_newer_version_stops_the_worker_and_is_named(version: int) -> None:
    with pytest.raises(Fatal, match=f"version {version};.* 1 to {ERASED_VERSION}"):
        decode_row(bytes([version]) + VERSION_4[1:])


def read(stored: bytes) -> Row | None:
    """The row, or None if it was refused as it must be."""
    try:
        return decode_row(stored)
    except Fatal:
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            bytes([ROW_VERSION]),
            VERSION_1[:4],
            VERSION_2[:8],
            VERSION_3[:8],
            VERSION_4[:8],
            VERSION_5[:8],
            VERSION_6[:8],
            VERSION_7[:8],
            VERSION_8[:8],
            VERSION_9[:8],
        ]
    ),
)
def test_any_bytes_are_a_row_or_refused(garbage: bytes, beginning: bytes) -> None:
    row = read(beginning + garbage)

    assert row is None or beginning


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(
        [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8, VERSION_9]
    ),
    st.integers(0, 500),
    st.integers(0, 255),
)
@example(VERSION_4, VERSION_4.index(b"\x01\xf1\x53\x65\x01") + 4, 2)
def test_a_row_with_a_wrong_byte_is_a_row_of_its_length_or_refused(stored: bytes, at: int, byte: int) -> None:
    wrong = stored[: at % len(stored)] + bytes([byte]) + stored[at % len(stored) + 1 :]

    row = read(wrong)

    assert row is None or wrong[0] not in range(ROW_VERSION, ERASED_VERSION + 1) or len(encode_row(row)) == len(wrong)
