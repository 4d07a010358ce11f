"""The index of the newest record of each key: as a dict would be, in 16 bytes a key."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.queries.offsets import NewestOffsets


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=120))
@settings(max_examples=40)
def test_it_finds_what_a_dict_would(written: list[tuple[int, bool]]) -> None:
    index, expected = NewestOffsets(most_fresh=7), dict[bytes, int]()
    for offset, (student, is_null) in enumerate(written):
        key = b"student-%d" % student
        index.note(key, offset, is_null=is_null)
        expected.pop(key, None)
        if not is_null:
            expected[key] = offset
        assert index.next == offset + 1

    keys = [b"student-%d" % student for student in range(21)]
    assert {key: found for key in keys if (found := index.find(key)) is not None} == expected


def test_a_hundred_thousand_students_take_16_bytes_each() -> None:
    index = NewestOffsets()
    for number in range(100_000):
        index.note(b"student-%d" % number, number, is_null=False)

    assert index.settled_bytes == 16 * len(index) == 1_600_000
