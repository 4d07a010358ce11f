"""A provider that answers with whatever costs attempts, never an exception (see tests/fuzz/replies.py)."""

from tests.fuzz.replies import fuzz


async def test_every_reply_ends_in_an_outcome_and_none_is_left_to_the_bulkhead() -> None:
    found = await fuzz(300, seed=20261128)
    assert found.faults == []
    assert found.replies >= 300
    assert {"ok", "unavailable", "bad_reply", "refused"} <= found.calls.keys()
