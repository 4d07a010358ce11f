"""What updates say of mastery: the score, the components met last, and that `verify` says the same."""

import asyncio
from pathlib import Path

import msgspec
import numpy as np
import pytest

from schemas.update import SkillUpdate
from streams.evidence.artifacts import (
    NO_ARTIFACT,
    Artifact,
    Card,
    ConformalTable,
    FusionFit,
    SkillCard,
    load_artifact,
    save_artifact,
)
from streams.evidence.registry import types_of
from streams.evidence.source import Estimate, EstimateStatus
from streams.mastery.counts import AnswerCounts
from streams.mastery.model import Mastery
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.rows.row import Row, SkillState
from streams.rows.row_batch import RowBatch
from streams.scoring.catalogue import OF_LATER_ANSWERS, catalogue_entry
from streams.scoring.fusion import Fusion
from streams.scoring.mastery_list import MOST
from streams.skills.skills_file import load_skills
from streams.verification.published import shorten
from streams.verification.rescoring import Rescoring, update_scores_differ
from streams.vocabulary import skill_code
from tests.events import event, fail_source, folded, row_batch_of, scores_of, updates_about
from tests.norms import snapshot_of
from tests.unit.mastery.banks import ANGLES, BANK, FRACTIONS, answers, row_of

SKILLS = load_skills("mastery")
CARD = Card(
    version=1,
    name="hand-made",
    trained_with={},
    skills={
        "mastery": SkillCard(
            file="mastery.bank.json",
            sha256="",
            features=(),
            labels="none",
            examples=1,
            students=1,
            metrics={},
            fusion=FusionFit(weights={"mastery": 1.0}, intercepts={}, kappa={"mastery": 0.0}),
            intervals=ConformalTable(edges=(2.5,), half_widths=(0.3, 0.2), width_of_nothing=0.8),
        )
    },
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return save_artifact(tmp_path_factory.mktemp("artifact"), CARD, {"mastery": BANK})


def updates(
    artifact: Artifact, *rows: Row, skills: str = "mastery", norms: NormView | None = None
) -> list[SkillUpdate]:
    pipeline = Pipeline(load_skills(skills), artifact, on_failure=fail_source)
    pipeline.put_norms(norms)
    row_batch = RowBatch.of_rows(rows, pipeline.skill_set.names)
    return updates_about(pipeline, [f"s{number}" for number in range(len(rows))], row_batch)


def test_under_norms_the_score_and_the_components_are_those_that_students_of_now_find_easy(artifact: Artifact) -> None:
    row = row_of({FRACTIONS: (3, 1)})
    norms = NormView(snapshot_of(components={FRACTIONS: {"answers": 900, "wins": 850}, ANGLES: {"answers": 900}}))
    (before,), (update,) = updates(artifact, row), updates(artifact, row, norms=norms)
    mastery, counts = Mastery(BANK, norms), AnswerCounts.of(row_batch_of(row))

    assert scores_of(update)["mastery"].score == pytest.approx(mastery.outlook(counts)[0], abs=1e-4)
    assert update.mastery
    assert before.mastery
    assert [each.p for each in update.mastery] == pytest.approx(mastery.of_components(counts), abs=1e-4)
    assert update.mastery[0].p > before.mastery[0].p
    assert update.norms_version == norms.version


def test_the_score_is_the_predicted_mean_of_later_answers_with_its_interval(artifact: Artifact) -> None:
    row = row_of({FRACTIONS: (3, 1)})
    (update,) = updates(artifact, row)
    score = scores_of(update)["mastery"]

    assert score.kind == "mastery"
    assert score.low is not msgspec.UNSET
    assert score.high is not msgspec.UNSET
    assert score.score == pytest.approx(Mastery(BANK).outlook(AnswerCounts.of(row_batch_of(row)))[0], abs=1e-4)
    assert score.high - score.low == pytest.approx(0.4)
    assert score.confidence == pytest.approx(0.5)
    assert score.validated
    assert score.contributions["mastery"].n == 4
    assert "behaviour" not in score.contributions


def test_the_score_and_the_components_are_predicted_under_the_norms_in_force(artifact: Artifact) -> None:
    pipeline = Pipeline(SKILLS, artifact, on_failure=fail_source)
    row_batch = RowBatch.of_rows([row_of({FRACTIONS: (3, 1)})], SKILLS.names)
    view = NormView(snapshot_of(components={FRACTIONS: {"wins": 90, "answers": 100}, ANGLES: {"answers": 100}}))
    [before] = updates_about(pipeline, ["ada"], row_batch)
    pipeline.put_norms(view)
    [under] = updates_about(pipeline, ["ada"], row_batch)
    pipeline.put_norms(None)

    counts = AnswerCounts.of(row_batch)
    assert scores_of(under)["mastery"].score == pytest.approx(Mastery(BANK, view).outlook(counts)[0], abs=1e-4)
    assert scores_of(under)["mastery"].score != scores_of(before)["mastery"].score
    assert (under.mastery[0].p, before.mastery[0].p) == (  # type: ignore[index]
        pytest.approx(Mastery(BANK, view).of_components(counts)[0], abs=1e-4),
        pytest.approx(Mastery(BANK).of_components(counts)[0], abs=1e-4),
    )
    assert updates_about(pipeline, ["ada"], row_batch) == [before]


def test_more_answers_are_surer_and_nothing_known_is_no_confidence(artifact: Artifact) -> None:
    rows = row_of({ANGLES: (1, 1)}), row_of({ANGLES: (3, 3)})
    few, many = (scores_of(update)["mastery"] for update in updates(artifact, *rows))
    assert few.confidence == pytest.approx(0.25)
    assert few.confidence < many.confidence


def test_an_interval_narrows_towards_0_and_1_where_its_table_says_so() -> None:
    table = ConformalTable(edges=(), half_widths=(0.3,), scaled_by="mastery")
    fusion = Fusion(SKILLS, artifact_with(table), types_of(SKILLS))
    even, sure, rated = (
        {"mastery": estimate(p), "behaviour": Estimate.empty(1, 1) if other is None else estimate(other)}
        for p, other in ((0.5, None), (0.9, None), (0.9, 0.2))
    )

    assert width(fusion, even) == pytest.approx(0.6)
    assert width(fusion, sure) == pytest.approx(0.6 * 0.6)
    assert width(fusion, rated) == width(fusion, sure), "what a rating does to the score narrows or widens nothing"


def artifact_with(table: ConformalTable) -> Artifact:
    card = msgspec.structs.replace(CARD.skills["mastery"], intervals=table)
    return Artifact(msgspec.structs.replace(CARD, skills={"mastery": card}), {}, "0" * 64, {"mastery": BANK})


def estimate(p: float) -> Estimate:
    one = np.ones((1, 1))
    return Estimate(p * one, one, 0 * one, np.full((1, 1), EstimateStatus.OK, np.int8), 0 * one, one > 1)


def width(fusion: Fusion, estimates: dict[str, Estimate]) -> float:
    fused = fusion.fuse(estimates)
    return float((fused.high - fused.low)[0, 0])


def test_a_score_does_not_fade_to_one_half_while_other_events_come(artifact: Artifact) -> None:
    then, later = (
        scores_of(updates(artifact, folded(*answers(("angles", 1), ("angles", 1)), *more))[0])["mastery"]
        for more in ((), (event("hint", minute=300 * 24 * 60),))
    )
    assert then.score == pytest.approx(later.score, abs=1e-3)


def test_without_a_bank_or_without_components_there_is_no_score_and_no_list(artifact: Artifact) -> None:
    for update in (*updates(NO_ARTIFACT, row_of({ANGLES: (3, 1)})), *updates(artifact, folded(event("attempt")))):
        assert update.skills == {}
        assert update.mastery is msgspec.UNSET
        assert b'"mastery"' not in msgspec.json.encode(update)


def test_a_rating_alone_is_a_score_that_is_not_validated() -> None:
    rated = Row(skills={skill_code("mastery"): SkillState(rubric_n=1.0, rubric_total=0.9)})
    (update,) = updates(NO_ARTIFACT, rated)
    score = scores_of(update)["mastery"]
    assert score.score > 0.5
    assert (score.kind, score.validated, list(score.contributions)) == ("score", False, ["rubric"])


def test_the_catalogue_tells_its_kind_what_its_interval_is_and_what_it_rests_on(artifact: Artifact) -> None:
    skill = catalogue_entry(SKILLS, artifact, types_of(SKILLS), "v").skills["mastery"]
    assert (skill.kind, skill.interval) == ("mastery", OF_LATER_ANSWERS)
    assert skill.rests_on["mastery"].startswith("answers by knowledge component")


def test_other_skill_sets_know_nothing_of_it(artifact: Artifact) -> None:
    (update,) = updates(load_artifact("default"), row_of({ANGLES: (3, 1)}), skills="default")
    assert update.mastery is msgspec.UNSET
    assert not any("mastery" in score.contributions for score in update.skills.values())


def test_components_have_what_is_known_of_the_next_answer_whatever_the_item(artifact: Artifact) -> None:
    row = row_of({FRACTIONS: (2, 0), ANGLES: (1, 3)})
    (update,) = updates(artifact, row)

    assert update.mastery
    assert [(each.component, each.n) for each in update.mastery] == [(ANGLES, 4), (FRACTIONS, 2)]
    for each in update.mastery:
        assert each.p == pytest.approx(Mastery(BANK).predict(row, None, [each.component]), abs=1e-4)
        assert each.low < each.p < each.high


def test_an_update_has_the_components_met_last_the_last_one_first(artifact: Artifact) -> None:
    names = [f"k{number}" for number in range(MOST + 3)]
    (update,) = updates(artifact, folded(*answers(*((name, 1) for name in names), (names[1], 0))))

    assert update.mastery
    assert [each.component for each in update.mastery] == [names[1], *names[:3:-1]]


def test_the_trend_is_how_much_better_it_went_of_late(artifact: Artifact) -> None:
    month = 30 * 24 * 60
    early, late = answers(("angles", 0)), answers(("angles", 1), start=month)
    rising, falling, steady = updates(
        artifact,
        folded(*early, *late),
        folded(*answers(("angles", 1)), *answers(("angles", 0), start=month)),
        folded(*answers(("angles", 1)), *late),
    )

    trends = [update.mastery[0].trend for update in (rising, falling, steady) if update.mastery]
    assert trends == [pytest.approx(1 / 6, abs=1e-4), pytest.approx(-1 / 6, abs=1e-4), 0.0]


def test_a_component_of_any_name_is_written_as_json(artifact: Artifact) -> None:
    name = 'ä"\\\u2028 fractions'
    (update,) = updates(artifact, folded(*answers((name, 1))))
    assert update.mastery
    assert update.mastery[0].component == name


def test_verify_scores_a_row_as_its_update_does_and_finds_what_differs(artifact: Artifact) -> None:
    row = row_of({FRACTIONS: (2, 1), ANGLES: (1, 3)})
    (update,) = updates(artifact, row)
    published = {b"s0": shorten(update)}
    rescoring = Rescoring(SKILLS, artifact)

    computed = asyncio.run(rescoring.score({b"s0": row}, published))[b"s0"]

    assert update_scores_differ(published[b"s0"], computed) is None
    assert update.mastery
    first, *others = update.mastery
    wrong_p = msgspec.structs.replace(first, p=first.p + 0.001)
    for mastery, says in (
        ([wrong_p, *others], "its p of component angles is off by 0.001"),
        (others, "not those of the replay"),
        ([*others, first], "not those of the replay"),
        (msgspec.UNSET, "not those of the replay"),
    ):
        finding = update_scores_differ(shorten(msgspec.structs.replace(update, mastery=mastery)), computed)
        assert finding is not None
        assert says in finding.what


def test_a_bank_does_not_keep_others_from_their_classifiers(artifact: Artifact, tmp_path: Path) -> None:
    default = load_artifact("default")
    both = msgspec.structs.replace(default.card, skills=default.card.skills | CARD.skills)
    saved = save_artifact(tmp_path, both, {**default.models, "mastery": BANK})
    assert saved.models.keys() == default.models.keys()
    assert list(saved.banks) == ["mastery"]
