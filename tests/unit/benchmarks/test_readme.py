"""The README's words on speed: written between two marks, of what was measured alone."""

from pathlib import Path

import pytest

from tests.benchmarks.latency.points import Place, points
from tests.benchmarks.latency.session import Window
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.readme import BEGIN, END, sentences, write

ROUNDS = Rounds("2026-11-28 12:00 UTC", "a machine", {})


def _figures() -> list[Figure]:
    return [
        ROUNDS.figure("full_pipeline", "events/s", [138_652], against=against, ratios=[ratio])
        for against, ratio in (("quix_counter", 4.04), ("getmany", 0.36))
    ]


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# Before\n{BEGIN}\nold words\n{END}\nafter\n")
    for _ in range(2):
        write(_figures(), [], readme)
    text = readme.read_text()
    assert text.startswith(f"# Before\n{BEGIN}\n139,000 events a second")
    assert text.endswith(f"(2026-11-28).\n{END}\nafter\n")
    assert "old words" not in text


def test_a_readme_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing of ours\n")
    with pytest.raises(ValueError, match="marks"):
        write(_figures(), [], readme)
    assert readme.read_text() == "nothing of ours\n"


def test_the_highest_rates_within_the_bounds_are_said_together() -> None:
    rates = {100: 12_340, 1_000: 45_670}
    figures = [ROUNDS.figure(f"sustainable.{ms}_ms.skillstream", "events/s", [rate]) for ms, rate in rates.items()]
    (said,) = sentences(figures, [])
    assert "under 100 ms up to 12,000 events a second, and under a second up to 46,000" in said
    assert list(sentences(figures[:1], [])) == []


def test_nothing_is_said_of_what_was_not_measured_or_fell_behind() -> None:
    place = Place("plain", "skillstream", 1_000)
    window = Window([12.0] * 10, cpu_percent=21.0, batch=3.0, outputs_per_event=1.0, sender_late_ms=0.0)
    assert list(sentences([], [])) == []
    assert list(sentences([], points({place: [None]}, ROUNDS))) == []
    (said,) = sentences([], points({place: [window]}, ROUNDS))
    assert "12 ms after its event was due in the median" in said
    assert "21 % of a core" in said
