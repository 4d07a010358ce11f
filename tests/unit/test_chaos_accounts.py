"""What chaos counts apart from `verify` can fail: each fault that is planted is named, and nothing else is."""

from streams.rows.codec import encode_row
from streams.rows.row import Row
from tests.chaos.accounts import events_in_rows, miscounted, misplaced
from tests.events import stored


def test_events_that_a_row_lacks_or_has_too_often_are_named() -> None:
    table = stored({name: encode_row(Row(events=events)) for name, events in (("a:1", 2), ("a:2", 3), ("b:1", 9))})

    found = events_in_rows(table, b"a:")
    assert found == {b"a:1": 2, b"a:2": 3}
    assert [*miscounted({b"a:1": 2, b"a:2": 3}, found)] == []
    assert [*miscounted({b"a:1": 1, b"a:2": 4, b"a:3": 1}, found)] == [
        "a:1: 2 events in the row, 1 are due",
        "a:2: 3 events in the row, 4 are due",
        "a:3: 0 events in the row, 1 are due",
    ]


def test_an_event_that_was_taken_and_is_nowhere_and_one_that_was_refused_and_is_stored_are_named() -> None:
    assert [*misplaced({"1", "2"}, {"3"}, ["2", "1", "1", "4"])] == [], "once or more, and what nobody was told of"
    assert [*misplaced({"1", "2"}, {"3"}, ["1", "3"])] == [
        "2 was taken, and is not stored",
        "3 was refused, and is stored",
    ]
