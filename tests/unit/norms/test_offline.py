"""Norms for training: a period's end publishes what was known by then, as a worker would."""

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.changing_sums import ChangingSums
from streams.norms.first_answers import NO_FIRST_ANSWERS, AnswersOfRows, NamedItem
from streams.norms.layout import FIRST_ANSWER, RIGHT, item_code, pack_answer
from streams.norms.offline import OfflineNorms
from streams.norms.publishing import NormTopic, publish
from streams.norms.row_sums import RowSums, sum_rows
from streams.norms.shard import NormShard
from streams.rows.codec import encode_row
from streams.rows.row import Row
from streams.rows.segments import segment_key
from tests.norms import EVERY_US, snapshot_of
from tests.unit.norms.students import NOW_US, PERIODS, in_course, students


def answers_of(*keys: bytes, item: str = "item") -> AnswersOfRows:
    """A right answer of each student to the item."""
    answers = np.zeros(len(keys), FIRST_ANSWER)
    answers["item"], answers["answer"], answers["sign"] = item_code(item), pack_answer(RIGHT, 1.0), 1
    answers["student"] = np.arange(len(keys))
    return AnswersOfRows(
        answers, {key: (at, at + 1) for at, key in enumerate(keys)}, [NamedItem(item_code(item), 0, 0, item)]
    )


def keys(number: int) -> list[bytes]:
    return [b"student-%d" % at for at in range(number)]


def rows_of(number: int, score: float = 0.5) -> dict[bytes, bytes | None]:
    return {key: in_course("c", score) for key in keys(number)}


def not_zero(sums: RowSums) -> tuple[bytes, bytes]:
    """The sums that are of anybody, as bytes."""
    components, cohorts = sums.components, sums.cohorts
    there = (cohorts["students"] > 0) | (cohorts["withdrew"] > 0)
    return components[components["students"] > 0].tobytes(), cohorts[there].tobytes()


_batches = st.lists(st.dictionaries(st.sampled_from([b"1", b"2", b"3", b"4"]), st.none() | students), max_size=6)


@given(_batches)
def test_sums_over_changing_rows_are_those_of_the_newest_rows(batches: Sequence[Mapping[bytes, Row | None]]) -> None:
    changing, newest = ChangingSums(), dict[bytes, bytes]()
    for batch in batches:
        stored = {key: None if row is None else encode_row(row) for key, row in batch.items()}
        changing.put(stored)
        newest.update({key: row for key, row in stored.items() if row is not None})
        for key in (key for key, row in stored.items() if row is None):
            newest.pop(key, None)

    assert not_zero(changing.sums(PERIODS)) == not_zero(sum_rows(newest.values(), PERIODS))


def test_norms_are_in_force_from_the_turn_on() -> None:
    norms = OfflineNorms(EVERY_US, {})
    norms.note(rows_of(10), answers_of(*keys(10)))
    assert norms.view is None

    view = norms.turn(NOW_US)
    assert view is not None
    assert view is norms.view
    assert view.items(np.array([item_code("item")], np.uint64))["wins"].tolist() == [10]
    assert view.snapshot.cohorts["students"].tolist() == [10]


def test_where_nothing_is_due_the_same_norms_stay_in_force() -> None:
    norms = OfflineNorms(EVERY_US, {})
    assert norms.turn(NOW_US - EVERY_US) is None
    norms.note(rows_of(10), NO_FIRST_ANSWERS)
    view = norms.turn(NOW_US)
    norms.note(rows_of(9, 1.0), NO_FIRST_ANSWERS)

    assert norms.turn(NOW_US + EVERY_US // 2) is view


def test_they_are_those_that_a_worker_would_publish() -> None:
    rows = rows_of(12, 0.7)
    norms = OfflineNorms(EVERY_US, {"2014": "c"})
    norms.note(rows_of(12, 0.1), NO_FIRST_ANSWERS)
    norms.note(rows, NO_FIRST_ANSWERS)
    view = norms.turn(NOW_US)

    sums = sum_rows((row for row in rows.values() if row), PERIODS)
    shard = NormShard(0, 0, 0, NOW_US, EVERY_US, -1, 0, 0, snapshot_of().items, sums.components, sums.cohorts)
    expected = publish(None, {0: shard}, {"2014": "c"}, NormTopic("offline", 1))
    assert view is not None
    assert expected is not None
    assert view.version == expected.version


def test_segments_of_ids_are_no_rows() -> None:
    norms = OfflineNorms(EVERY_US, {})
    norms.note({**rows_of(10), segment_key(b"student-1", 0): b"ids"}, answers_of(*keys(10)))

    assert norms.turn(NOW_US) is not None


def test_later_events_change_no_norm_that_is_in_force() -> None:
    norms = OfflineNorms(EVERY_US, {})
    norms.note(rows_of(10), NO_FIRST_ANSWERS)
    view = norms.turn(NOW_US)
    assert view is not None
    before = view.snapshot.encode(), view.cohorts.tobytes()
    norms.note(rows_of(30, 1.0), answers_of(*keys(30)))

    assert norms.turn(NOW_US + EVERY_US) is not view
    assert (view.snapshot.encode(), view.cohorts.tobytes()) == before
