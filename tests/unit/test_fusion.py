"""Fusion: confidence falls with every source, event and day that is lost; a score is never certain."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evidence.artifacts import NO_ARTIFACT, Artifact, ConformalTable, FusionFit, SkillCard
from streams.evidence.outcome_intervals import IntervalEnds, OutcomeIntervals
from streams.evidence.registry import types_of
from streams.evidence.source import Estimate, EstimateStatus
from streams.scoring.fusion import PRIOR_WIDTH, Fusion, masks
from streams.skills.sources import BUILT_IN
from tests.events import default_skills

NAMES = default_skills().names
TYPES = types_of(default_skills())
TABLE = ConformalTable(edges=(1.0, 4.0, 16.0, 64.0), half_widths=(0.45, 0.4, 0.3, 0.2, 0.1))
READS = ("attempted.mean", "retried.n", "helped.n", "set_controls.n")


def with_card(**given: Any) -> Artifact:
    card = SkillCard(file="m", sha256="", features=READS, labels="", examples=1, students=1, metrics={}, **given)
    cards = dict.fromkeys(NAMES, card)
    return replace(NO_ARTIFACT, card=msgspec.structs.replace(NO_ARTIFACT.card, skills=cards))


def outcome_intervals(*masks: str) -> OutcomeIntervals:
    """A table in which the middle of what is said is the least sure, and fewer sources are less sure than more."""
    ends = {}
    for mask in masks:
        wider = 0.0 if "+" in mask else 0.3
        high = tuple(tuple(wider + half + spread for spread in (0.0, 0.2, 0.1)) for half in (0.3, 0.2, 0.1))
        ends[mask] = IntervalEnds(low=tuple(tuple(-each for each in row) for row in high), high=high)
    return OutcomeIntervals(prior_width=0.9, evidence_edges=(2.0, 20.0), said_edges=(0.3, 0.7), ends=ends)


FUSIONS = {
    "default widths": Fusion(default_skills(), NO_ARTIFACT, TYPES),
    "overlapping model": Fusion(default_skills(), with_card(), TYPES),
    "conformal table": Fusion(default_skills(), with_card(intervals=TABLE), TYPES),
    "intervals of the outcome": Fusion(
        default_skills(),
        with_card(
            outcome_intervals=outcome_intervals("model+behaviour", "model", "behaviour"),
            fusion=FusionFit(
                weights={"model": 1.0, "language": 0.5, "behaviour": 0.4},
                intercepts={},
                kappa={"model": 0.0},
                mask_weights={"behaviour": {"behaviour": 1.3}, "model+behaviour": {"model": 0.9, "behaviour": 0.0}},
            ),
        ),
        TYPES,
    ),
    "fitted": Fusion(
        default_skills(),
        with_card(
            intervals=TABLE,
            fusion=FusionFit(
                weights={"model": 1.2, "language": 0.3, "behaviour": 0.0},
                intercepts={mask: 0.1 * number for number, mask in enumerate(masks(list(BUILT_IN)))},
            ),
        ),
        TYPES,
    ),
}
either = pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)

Said = tuple[float, float, float]  # p, n, age in seconds
said = st.tuples(st.floats(0, 1, exclude_min=True, exclude_max=True), st.floats(1e-6, 1e6), st.floats(0, 86_400 * 3650))
estimates_of = st.dictionaries(st.sampled_from(list(BUILT_IN)), said, min_size=1)


def estimate(p: float, n: float, age_s: float, shared: float = 0.0) -> Estimate:
    shape = (1, len(NAMES))
    status = np.full(shape, EstimateStatus.OK, np.int8)
    return Estimate(
        np.full(shape, p),
        np.full(shape, n),
        np.full(shape, age_s),
        status,
        np.full(shape, shared),
        np.zeros(shape, np.bool_),
    )


def fuse(
    fusion: Fusion, said: dict[str, Said], absent: EstimateStatus = EstimateStatus.ABSENT, shared: float = 0.4
) -> dict[str, np.ndarray[Any, Any]]:
    """Scores, intervals and confidences of the one student, by skill; sources not named are absent.

    `shared` is the part of behaviour that the model reads too.
    """
    silent = Estimate.empty(1, len(NAMES), absent)
    parts = {"behaviour": shared}
    fused = fusion.fuse(
        {name: estimate(*said[name], parts.get(name, 0.0)) if name in said else silent for name in BUILT_IN}
    )
    return {name: getattr(fused, name)[0] for name in ("score", "low", "high", "confidence")}


@either
@given(said=estimates_of)
def test_score_and_interval_stay_within_bounds(fusion: Fusion, said: dict[str, Said]) -> None:
    fused = fuse(fusion, said)

    assert np.all((fused["score"] > 0) & (fused["score"] < 1))
    assert np.all((np.round(fused["score"], 6) > 0) & (np.round(fused["score"], 6) < 1))
    assert np.all((fused["low"] >= 0) & (fused["low"] <= fused["score"]))
    assert np.all((fused["high"] <= 1) & (fused["high"] >= fused["score"]))
    assert np.all((fused["confidence"] >= 0) & (fused["confidence"] <= 1))


@either
@given(said=estimates_of)
def test_confidence_never_rises_when_sources_are_removed(fusion: Fusion, said: dict[str, Said]) -> None:
    whole = fuse(fusion, said)["confidence"]

    for size in range(1, len(said)):
        for kept in combinations(said, size):
            assert np.all(fuse(fusion, {name: said[name] for name in kept})["confidence"] <= whole + 1e-12)


@either
@given(said=estimates_of, source=st.sampled_from(list(BUILT_IN)), days=st.floats(0, 3650), kept=st.floats(1e-3, 1))
def test_confidence_never_rises_when_a_source_ages_or_loses_evidence(
    fusion: Fusion, said: dict[str, Said], source: str, days: float, kept: float
) -> None:
    if source not in said:
        return
    whole, (p, n, age_s) = fuse(fusion, said)["confidence"], said[source]

    aged = fuse(fusion, {**said, source: (p, n, age_s + days * 86_400)})["confidence"]
    thinner = fuse(fusion, {**said, source: (p, n * kept, age_s)})["confidence"]

    assert np.all(aged <= whole + 1e-12)
    assert np.all(thinner <= whole + 1e-12)


@either
@given(said=estimates_of)
def test_a_failed_source_weighs_as_much_as_an_absent_one(fusion: Fusion, said: dict[str, Said]) -> None:
    absent, failed = fuse(fusion, said), fuse(fusion, said, EstimateStatus.FAILED)

    for column, values in absent.items():
        np.testing.assert_array_equal(values, failed[column])


@either
def test_nothing_known_is_no_score_rather_than_a_zero(fusion: Fusion) -> None:
    assert all(np.isnan(values).all() for values in fuse(fusion, {}).values())


def test_the_interval_of_an_outcome_is_looked_up_by_sources_evidence_and_what_is_said() -> None:
    fusion = FUSIONS["intervals of the outcome"]
    sure = fuse(fusion, {"model": (0.8, 50.0, 0.0), "behaviour": (0.5, 50.0, 0.0)})
    alone = fuse(fusion, {"model": (0.8, 50.0, 0.0)})
    unknown = fuse(fusion, {"language": (0.8, 50.0, 0.0)})

    assert sure["high"][0] - sure["score"][0] == pytest.approx(0.2)
    assert sure["confidence"][0] == pytest.approx(1 - 0.4 / 0.9)
    assert alone["high"][0] == 1
    assert alone["confidence"][0] == 0
    assert (unknown["low"][0], unknown["high"][0], unknown["confidence"][0]) == (0, 1, 0)


def rows(*values: float) -> tuple[tuple[float, ...], ...]:
    return tuple((value,) for value in values)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"prior_width": 0.0}, "prior_width"),
        ({"evidence_edges": (3.0, 3.0)}, "edges must rise"),
        ({"said_edges": (0.5,)}, "must be 2 by 2"),
        ({"ends": {"model": IntervalEnds(low=rows(-0.2, -0.1), high=rows(0.1, -0.1))}}, "within 0 to 1"),
        ({"ends": {"model": IntervalEnds(low=rows(-0.1, -0.2), high=rows(0.1, 0.1))}}, "less sure"),
        ({"ends": {"model": IntervalEnds(low=rows(float("nan"), 0), high=rows(0.1, 0.1))}}, "within 0 to -1"),
        (
            {
                "ends": {
                    "model": IntervalEnds(low=rows(-0.1, -0.1), high=rows(0.1, 0.1)),
                    "model+behaviour": IntervalEnds(low=rows(-0.2, -0.1), high=rows(0.1, 0.1)),
                }
            },
            "ends of model are surer than those of",
        ),
    ],
)
def test_intervals_that_would_break_the_promise_are_refused(change: dict[str, Any], why: str) -> None:
    good = {"model": IntervalEnds(low=rows(-0.2, -0.1), high=rows(0.1, 0.1))}
    table: dict[str, Any] = {"prior_width": 0.9, "evidence_edges": (3.0,), "said_edges": (), "ends": good}
    OutcomeIntervals(**table)
    with pytest.raises(ValueError, match=why):
        OutcomeIntervals(**table | change)


def test_missing_is_not_zero() -> None:
    fusion = FUSIONS["default widths"]
    alone = fuse(fusion, {"behaviour": (0.8, 20.0, 0.0)})["score"]

    assert np.all(alone > 0.5)
    assert np.all(fuse(fusion, {"behaviour": (0.8, 20.0, 0.0), "language": (1e-6, 20.0, 0.0)})["score"] < alone)


@pytest.mark.parametrize(("more", "less"), [((0.8, 20.0, 0.0), (0.8, 2.0, 0.0)), ((0.8, 20.0, 0.0), (0.8, 20.0, 1e7))])
def test_little_or_old_evidence_moves_the_score_less(more: Said, less: Said) -> None:
    fusion = FUSIONS["default widths"]

    assert np.all(fuse(fusion, {"language": more})["score"] > fuse(fusion, {"language": less})["score"])


def test_what_the_model_reads_is_not_counted_again_as_behaviour() -> None:
    fusion, model = FUSIONS["overlapping model"], {"model": (0.8, 20.0, 0.0)}

    both = fuse(fusion, {**model, "behaviour": (0.7, 20.0, 0.0)}, shared=1.0)

    np.testing.assert_allclose(both["score"], fuse(fusion, model)["score"])
    np.testing.assert_allclose(both["confidence"], fuse(fusion, model)["confidence"])
    apart = fuse(FUSIONS["default widths"], {**model, "behaviour": (0.7, 20.0, 0.0)})
    assert np.all(apart["confidence"] > both["confidence"])


def test_the_intercept_is_that_of_exactly_the_sources_present() -> None:
    fit = FusionFit(weights={}, intercepts={"model+language": 2.0, "language": -2.0})
    fusion = Fusion(default_skills(), with_card(fusion=fit), TYPES)
    one = (0.5, 5.0, 0.0)

    assert np.all(fuse(fusion, {"model": one, "language": one})["score"] > 0.85)
    assert np.all(fuse(fusion, {"language": one})["score"] < 0.15)
    assert np.all(fuse(fusion, {"model": one})["score"] == 0.5)


@pytest.mark.parametrize(
    ("edges", "half_widths"),
    [
        ((1.0,), (0.3,)),
        ((2.0, 1.0), (0.4, 0.3, 0.2)),
        ((1.0,), (0.2, 0.3)),
        ((1.0,), (0.6, 0.3)),
        ((1.0,), (0.3, -0.1)),
    ],
    ids=["too few", "edges fall", "less is surer", "wider than 1", "negative"],
)
def test_a_table_that_would_break_the_promise_is_refused(
    edges: tuple[float, ...], half_widths: tuple[float, ...]
) -> None:
    text = msgspec.json.encode({"edges": edges, "half_widths": half_widths})

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=ConformalTable)


def test_the_prior_has_no_confidence() -> None:
    fused = fuse(FUSIONS["default widths"], {"language": (0.5, 1e-12, 0.0)})

    np.testing.assert_allclose(fused["confidence"], 0, atol=1e-9)
    np.testing.assert_allclose(fused["high"] - fused["low"], PRIOR_WIDTH)


def test_behaviour_counts_in_full_where_the_model_that_reads_it_is_absent() -> None:
    said = {"behaviour": (0.7, 20.0, 0.0)}

    overlapping, apart = (fuse(FUSIONS["overlapping model"], said, shared=shared) for shared in (1.0, 0.0))

    np.testing.assert_allclose(overlapping["confidence"], apart["confidence"])
    np.testing.assert_allclose(overlapping["score"], apart["score"])
