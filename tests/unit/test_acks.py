"""The commit position, under every order of acknowledgements."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.acks import AckLedger, AckRange

# (gap before the range, length of the range): gaps are what compaction and transactions leave
RANGES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=20)


def opened(ledger: AckLedger, shapes: list[tuple[int, int]], start: int = 0) -> list[AckRange]:
    ranges = []
    for gap, length in shapes:
        start += gap
        ranges.append(ledger.open(start, start + length - 1))
        start += length
    return ranges


@settings(deadline=None)  # the machine may be busy
@given(RANGES, st.data())
def test_only_a_contiguous_acked_head_is_ever_committable(shapes: list[tuple[int, int]], data: st.DataObject) -> None:
    ledger = AckLedger()
    ranges = opened(ledger, shapes)
    for acked in data.draw(st.permutations(ranges)):
        ledger.ack(acked)
        head = [done for index, done in enumerate(ranges) if all(before.acked for before in ranges[: index + 1])]
        assert ledger.committable() == (head[-1].last + 1 if head else None)
    assert ledger.committable() == ranges[-1].last + 1
    assert ledger.open_ranges == 0


@settings(deadline=None)  # the machine may be busy
@given(RANGES, RANGES, st.data())
def test_acks_from_before_a_seek_never_mark_what_is_fetched_again(
    before: list[tuple[int, int]], after: list[tuple[int, int]], data: st.DataObject
) -> None:
    stale = opened(AckLedger(), before)
    ledger = AckLedger(position=0, committed=0)
    fresh = opened(ledger, after)
    acked = data.draw(st.integers(0, len(fresh)))
    for done in fresh[:acked]:
        ledger.ack(done)
    committable = ledger.committable()
    for late in data.draw(st.permutations(stale)):
        ledger.ack(late)
    assert ledger.committable() == committable
    assert ledger.open_ranges == len(fresh) - acked


@settings(deadline=None)  # the machine may be busy
@given(RANGES, st.lists(st.booleans(), min_size=20, max_size=20))
def test_the_committed_position_never_moves_back_and_a_rejected_commit_is_offered_again(
    shapes: list[tuple[int, int]], accepted: list[bool]
) -> None:
    ledger = AckLedger()
    former = -1
    for acked, accepts in zip(opened(ledger, shapes), accepted, strict=False):
        ledger.ack(acked)
        offer = ledger.committable()
        assert offer == ledger.committable() == acked.last + 1
        if accepts:
            ledger.confirm(offer)
            assert ledger.committable() is None
        assert (ledger.committed or -1) >= former
        former = ledger.committed or -1


def test_acking_twice_changes_nothing() -> None:
    ledger = AckLedger()
    first, second = ledger.open(0, 4), ledger.open(5, 9)
    ledger.ack(second)
    ledger.ack(second)
    assert ledger.committable() is None
    ledger.ack(first)
    assert ledger.committable() == 10


@pytest.mark.parametrize(("first", "last"), [(4, 8), (12, 11)])
def test_a_range_that_doesnt_follow_is_refused(first: int, last: int) -> None:
    ledger = AckLedger(position=5)
    ledger.open(5, 9)
    with pytest.raises(ValueError, match="doesn't follow"):
        ledger.open(first, last)
