"""Text models are learnt from texts, and judged and fused on people that they never saw."""

import asyncio
import re
from functools import cache
from random import Random

import numpy as np
import pytest

from schemas.dialects import decode
from streams.rows.row_batch import RowBatch
from streams.skills.skills_file import load_skills
from streams.texts.text_model import encode_text_model
from streams.training.errors import TrainingError
from streams.training.labels import Label, StudentGroups
from streams.training.moments import MomentCounts, moments_of
from streams.training.text_models import MIN_PEOPLE, FittedTexts, fit_text_models, fold_of
from streams.training.trainer import Plan
from tests.events import default_skills, raw, record
from tests.shared_data import needs
from tests.unit.training import simulated, written
from tests.unit.training.empathy_figures import reactions
from tests.unit.training.simulated import as_of_us

PLAN = Plan("written", load_skills("empathy"), groups=StudentGroups(re.compile(".+(?=_)")), labels_source="simulated")


@cache
def fitted() -> FittedTexts:
    return fit_text_models(written.records(), written.labels(), PLAN, decode)


def test_what_tells_is_learnt_and_the_card_says_how_well_of_people_not_seen() -> None:
    model = fitted().models["empathy"]
    weights = {stem: weight for stem, (_, weight) in model.stems.items()}

    assert min(weights["sorrow"], weights["weepin"]) > 0 > max(weights["boring"], weights["taxes"])
    assert (model.population, model.texts, model.people) == ("simulated", len(written.labels()), written.PEOPLE)
    assert 0.8 < model.metrics["auc"] < 0.97, "one label in ten is noise: more would be a leak"
    assert model.metrics["slope"] == pytest.approx(1, abs=0.05)
    assert model.least_words == 20


def test_the_same_texts_give_the_same_bytes_in_any_order() -> None:
    again = fit_text_models(written.records()[::-1], written.labels()[::-1], PLAN, decode)

    assert encode_text_model(again.models["empathy"]) == encode_text_model(fitted().models["empathy"])


def test_every_label_is_in_one_part_whose_model_never_saw_its_person() -> None:
    parts = list(fitted().parts(written.labels()))
    of_parts = [label for _, some in parts for label in some]

    assert sorted(of_parts, key=str) == sorted(written.labels(), key=str)
    for skill_set, some in parts:
        model = skill_set.skills["empathy"].text_table
        people = {PLAN.groups.of(label.student) for label in some}
        assert model is not None
        assert model.people == written.PEOPLE - len(people)
        assert len({fold_of(PLAN, label.student) for label in some}) == 1


def test_rows_hold_what_the_model_of_their_fold_says() -> None:
    skill_set, some = next(fitted().parts(written.labels()))
    moments, _ = asyncio.run(moments_of(written.records(), some, skill_set, 1))

    rows = RowBatch.of([moment.row for moment in moments], skill_set.names)

    assert (rows.skill_states["text_n"] == 1).all()
    sad = [written.is_sad(int(moment.label.student[1:].partition("_")[0])) for moment in moments]
    assert [total > 0 for total in rows.skill_states["text_total"][:, 0].tolist()] == sad


def test_a_word_that_few_people_wrote_is_in_no_table() -> None:
    words = " ".join(["and it was my"] * 5 + ["secret"])
    few = [record(raw("message", f"p{one}_1", event_id=f"m{one}", text=words), 900) for one in range(MIN_PEOPLE - 1)]
    models = fit_text_models([*written.records(), *few], written.labels(), PLAN, decode).models

    assert models["empathy"].texts == len(written.labels()) + len(few)
    assert "secret" not in models["empathy"].stems


def test_a_text_is_of_the_first_label_that_is_not_before_it() -> None:
    students = [f"q{person}" for person in range(written.PEOPLE)]
    rng = Random(1)
    told = [
        record(raw("message", student, minute=minute, text=written.text(sad, rng)), minute)
        for student in students
        for minute, sad in ((0, True), (10, False), (20, True))
    ]
    asked = [Label(one, "empathy", as_of_us(minute), label) for one in students for minute, label in ((5, 1), (15, 0))]

    model = fit_text_models(told, asked, PLAN, decode).models["empathy"]

    assert model.texts == 2 * written.PEOPLE, "the last text comes after all labels"
    assert model.metrics["auc"] == 1


@pytest.mark.parametrize("people", [0, 10])
def test_too_few_texts_are_refused(people: int) -> None:
    with pytest.raises(
        TrainingError, match=f"empathy: its text model: {2 * people} readable texts with a label are too"
    ):
        fit_text_models(written.records(people), written.labels(), PLAN, decode)


def test_labels_that_are_all_equal_are_refused() -> None:
    equal = [Label(label.student, label.skill, label.as_of_us, 1) for label in written.labels()]

    with pytest.raises(TrainingError, match="empathy: its text model: all labels"):
        fit_text_models(written.records(), equal, PLAN, decode)


def test_skills_without_a_text_model_are_trained_as_before() -> None:
    plan = Plan("simulated", default_skills())

    none = fit_text_models(iter([]), simulated.labels(), plan, decode)

    assert none.models == {}
    assert list(none.parts(simulated.labels())) == [(plan.skill_set, simulated.labels())]
    assert none.serving == plan


def test_counts_of_parts_of_the_labels_are_those_of_all() -> None:
    parts = [MomentCounts(10, 1, {"a", "b"}, 2), MomentCounts(10, 1, {"b", "c"}, 1)]

    assert MomentCounts.of_parts(parts) == MomentCounts(10, 1, {"b"}, 3)


@needs("empathic_reactions")
def test_the_shipped_table_is_what_the_reactions_give_and_good_enough_for_authors_not_seen() -> None:
    told, asked = reactions()
    model = fit_text_models(told, asked, PLAN, decode).models["empathy"]
    shipped = PLAN.skill_set.skills["empathy"].text_table

    assert shipped is not None
    assert model.metrics["auc"] > 0.64
    assert model.metrics["ece"] < 0.06
    assert model.stems.keys() == shipped.stems.keys()
    assert model.metrics == pytest.approx(shipped.metrics, abs=1e-3)
    ours, theirs = (np.array([weight for _, weight in one.stems.values()]) for one in (model, shipped))
    assert np.abs(ours - theirs).max() < 1e-3
