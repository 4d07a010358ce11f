"""The page of an evaluation: complete in itself, whatever the names in it."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from agents.report.page import report_page, write_report
from agents.report.svg import WIDTH, Axis, Bar, Plot, dot_plot
from streams.evaluation.evaluation import Evaluation, evaluate
from streams.evaluation.predictions import Predictions
from streams.evaluation.subject import Rival, Subject
from tests.unit.evaluation.test_evaluation import surer_is_better

HOSTILE = "<script>alert('&')</script>"
_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def evaluated(predictions: Predictions) -> Evaluation:
    other = {HOSTILE: Rival.of_all(predictions.predicting(np.full(len(predictions), 0.5)))}
    earlier = {"3_events": predictions}
    return evaluate(
        Subject(predictions=predictions, earlier=earlier, sources=other, baselines=other, notes=(HOSTILE,)), 5
    )


def hostile() -> Evaluation:
    predictions = surer_is_better()
    return evaluated(surer_is_better(subgroups={HOSTILE: np.where(predictions.confidence > 0.5, HOSTILE, "")}))


def test_the_page_asks_nothing_from_outside_and_runs_nothing() -> None:
    page = report_page({"skill": hostile()}, ["about"])

    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|<iframe|\son\w+=", page)
    assert "default-src 'none'" in page


def test_names_are_shown_as_they_are_and_are_no_markup() -> None:
    page = report_page({HOSTILE: hostile()}, [HOSTILE])

    assert page.count("&lt;script&gt;") > 8
    assert HOSTILE not in page


def test_a_page_has_a_plot_for_each_part_and_all_are_well_formed() -> None:
    drawn = _SVG.findall(report_page({"skill": hostile()}, []))

    described = [ElementTree.fromstring(svg).get("aria-label") or "" for svg in drawn]
    assert [each.split()[0] for each in described] == ["Reliability:", "After", "By", "mean", "Gain", "Gain", "Mean"]


@pytest.mark.parametrize(
    "predictions",
    [
        Predictions.of([1.0], [0.5]),
        Predictions.of([0.0, 1.0, 1.0], [0.5, 0.5, 0.5], evidence=[0, 3, 1e9]),
        surer_is_better(confidence=np.full(1_000, 0.3)),
    ],
)
def test_what_little_there_is_to_show_is_shown(predictions: Predictions) -> None:
    for svg in _SVG.findall(report_page({"skill": evaluated(predictions)}, [])):
        assert "nan" not in svg
        ElementTree.fromstring(svg)


def test_a_makers_own_figures_are_in_the_tables_and_its_intervals_drawn_by_rising_count() -> None:
    own = {
        "item_free_ece": 0.031,
        **{f"{name}_at_{at}": at / 200 for at in (100, 10) for name in ("coverage", "width")},
    }
    page = report_page({"skill": evaluate(Subject(predictions=surer_is_better(), figures=own), 0)}, [])

    assert "<dt>item free ece</dt>" not in page
    assert "item free ece" in page
    (drawn,) = [svg for svg in _SVG.findall(page) if "Intervals, after so many events" in svg]
    assert drawn.index(">10</text>") < drawn.index(">100</text>")


def test_without_intervals_evidence_has_its_calibration_error_alone() -> None:
    predictions = surer_is_better()
    bare = predictions.predicting(predictions.p)

    assert "By amount of evidence: by chance alone and calibration error" in report_page({"skill": evaluated(bare)}, [])


def test_of_many_groups_the_largest_are_drawn() -> None:
    schools = np.array([f"school {number % 40 if number < 600 else 99}" for number in range(1_000)])
    page = report_page({"skill": evaluated(surer_is_better(subgroups={"school": schools}))}, [])

    assert "The 30 largest of 41" in page
    assert "<title>school 99 (400)</title>" in page


def test_the_same_evaluation_gives_the_same_page_and_an_older_one_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    for evaluations in ({}, {"skill": hostile()}, {"skill": hostile()}):
        page = write_report(folder, evaluations, [])

    assert page.read_text("utf-8") == report_page({"skill": hostile()}, [])
    assert [path.name for path in folder.iterdir()] == ["index.html"]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.003, 0.0), (0.05, 0.4), (0, 2e-7), (-70, 130)])
def test_a_scale_holds_its_ends_with_few_round_ticks(low: float, high: float) -> None:
    axis = Axis.of_numbers("", low, high)

    assert axis.low <= low < high <= axis.high
    assert 2 <= len(axis.ticks) <= 10
    assert (axis.share(axis.low), axis.share(axis.high)) == (0, 1)


def test_dots_lie_where_their_values_are() -> None:
    plot = Plot("", Axis.of_numbers("", 0, 1), Axis.of_numbers("", 0, 1))
    plot.dots([(0, 0), (1, 1)], "first", ["low", "high"])
    low, high = ElementTree.fromstring(plot.svg()).iter("circle")

    assert float(low.get("cx", 0)) < WIDTH / 4 < float(high.get("cx", 0))
    assert float(high.get("cy", 0)) < float(low.get("cy", 0)), "up is more"


def test_a_long_name_is_cut_and_told_whole() -> None:
    svg = dot_plot("", "", [Bar("a very long name of a district", 0.1, 0.0, 0.2, "+0.1")])

    assert "a very long name of …" in svg
    assert "<title>a very long name of a district</title>" in svg
