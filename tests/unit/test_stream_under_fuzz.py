"""Some thousands of the records of `python -m tests.fuzz.stream`, which the nightly run takes a million of."""

from tests.fuzz.stream import Accounting


def test_no_fuzzed_record_ends_the_step_or_is_lost_in_silence() -> None:
    accounting = Accounting(seed=7)

    for _ in range(40):
        accounting.feed(100)

    assert accounting.records.total() == 4_000
    assert accounting.outcomes["applied"] > 100
    assert accounting.dead_letters > 100
