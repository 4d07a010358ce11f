"""A ledger that is written to a file and read again settles as if it had not been."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.verification.ledger import Entry, EntryLedger

ENTRIES = st.lists(
    st.builds(Entry, st.tuples(st.just(1), st.integers(0, 9_999), st.just(0)), st.just(b"digest"), st.integers(0, 2))
)


@settings(max_examples=30)
@given(expected=ENTRIES, found=ENTRIES, more=ENTRIES)
def test_what_is_loaded_settles_with_what_comes_after_it(
    expected: list[Entry], found: list[Entry], more: list[Entry]
) -> None:
    file = io.BytesIO()
    with EntryLedger(1_000) as whole, EntryLedger(1_000) as before, EntryLedger(1_000_000) as after:
        for ledger in (whole, before):
            for entry in expected:
                ledger.expect(entry)
            for entry in found:
                ledger.find(entry)
        before.dump(file)
        file.seek(0)
        after.load(file)
        for ledger in (whole, before, after):
            for entry in more:
                ledger.find(entry)

        settled = [sorted(ledger.settle(), key=repr) for ledger in (whole, before, after)]
        assert settled[0] == settled[1] == settled[2]
        assert whole.repeats == before.repeats == after.repeats
