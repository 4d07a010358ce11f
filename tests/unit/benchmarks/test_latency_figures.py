"""What becomes of what the rounds of a latency curve found: points, targets, the picture."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks.latency import picture
from tests.benchmarks.latency.points import Measured, Place, kept, merge, points
from tests.benchmarks.latency.session import Window
from tests.benchmarks.latency.targets import figures
from tests.benchmarks.measure import Rounds

ROUNDS = Rounds("2026-11-28 12:00 UTC", "a machine", {})


def _window(latency_ms: float) -> Window:
    return Window([latency_ms] * 100, cpu_percent=20.0, batch=None, outputs_per_event=1.0, sender_late_ms=1.0)


def _place(name: str, rate: int) -> Place:
    return Place("plain", name, rate)


def test_who_falls_behind_in_half_of_the_rounds_has_no_latency() -> None:
    measured = {_place("echo", 10): [_window(3), None, _window(5)], _place("echo", 100): [_window(3), None]}
    keeps_up, falls_behind = points(measured, ROUNDS)
    assert keeps_up.quantiles_ms == (4, 4, 4)
    assert keeps_up.behind == 1
    assert falls_behind.quantiles_ms is None
    assert falls_behind.cpu_percent is None


def test_a_point_is_replaced_where_it_is_measured_anew_and_others_stay(tmp_path: Path) -> None:
    merge(points({_place("echo", 10): [_window(3)], _place("skillstream", 10): [_window(9)]}, ROUNDS), tmp_path)
    merge(points({_place("echo", 10): [_window(4)]}, ROUNDS), tmp_path)
    assert {point.contestant: point.quantiles_ms for point in kept(tmp_path)} == {
        "skillstream": (9, 9, 9),
        "echo": (4, 4, 4),
    }


def test_targets_compare_round_by_round_and_count_who_fell_behind_at_the_bound() -> None:
    measured: Measured = {
        _place("skillstream", 10_000): [_window(200), None, None],
        _place("quix_counter", 10_000): [_window(100), _window(100), _window(100)],
    }
    found = {(figure.name, figure.against): figure for figure in figures(measured, ROUNDS)}
    alone, compared = found["latency_curve.p99_10000", ""], found["latency_curve.p99_10000", "quix_counter"]
    assert alone.value == 3_000
    assert not alone.met
    assert "fell behind in 2 of 3 rounds" in alone.unit
    assert compared.ratio == pytest.approx(30)
    assert not compared.met


def test_targets_are_silent_where_nothing_was_measured() -> None:
    assert figures({_place("echo", 1_000): [_window(3)]}, ROUNDS) == []


def test_the_picture_is_a_document_of_its_own_for_light_and_dark() -> None:
    measured: Measured = {_place("echo", 10): [_window(3)], _place("echo", 100): [None], _place("echo", 1_000): [None]}
    drawn = picture.svg(points(measured, ROUNDS))
    root = ElementTree.fromstring(drawn)
    titles = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "prefers-color-scheme: dark" in drawn
    assert titles.count("echo falls behind at 100 events/s") == 2
    assert not any("1,000" in title for title in titles)


def test_a_picture_of_nothing_says_so() -> None:
    assert "not measured yet" in picture.svg([])
