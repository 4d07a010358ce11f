"""A fourth source, not built in: installed, configured, degraded, trained with; what is wrong with one is said."""

import asyncio
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import UNSET

import streams
from agents.config.settings import Settings
from agents.operations.doctor.local import ModelArtifact, Skills
from schemas.update import SkillUpdate
from streams.evidence.artifacts import NO_ARTIFACT, Artifact, load_artifact
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import Estimate, EstimateStatus, Source, SourceType
from streams.pipeline import Pipeline
from streams.replay import Replay
from streams.rows.row_batch import RowBatch
from streams.scoring.fusion import Fusion
from streams.skills.skill_set import SkillsError, SkillSet
from streams.skills.skills_file import load_skills
from streams.training.errors import TrainingError
from streams.training.moments import moments_of
from streams.training.trainer import Plan, train
from tests.events import default_skills, fail_source, raw, records, scores_of, updates_of
from tests.unit import a_source
from tests.unit.installed_source import School, school
from tests.unit.training import simulated

__all__ = ["school"]
ARTIFACT = load_artifact("default")
EVENTS = [
    raw("attempt", score=0.9),
    raw("message", text="I kept trying", minute=1),
    raw("control", controls={"a": 1.0, "b": 0.0}, minute=2),
]


async def scored(skill_set: SkillSet, failures: list[str] | None = None) -> SkillUpdate:
    """The last update of a student with three events; the model speaks of problem solving."""
    heard = [] if failures is None else failures
    pipeline = Pipeline(skill_set, ARTIFACT, on_failure=lambda source, _error: heard.append(source))
    updates = updates_of(await Replay(pipeline).feed(records(EVENTS)))
    assert failures is not None or not heard
    return updates[-1]


async def test_a_source_that_a_skill_weighs_is_part_of_its_score(school: School) -> None:
    school.install()
    with_it, without = await scored(school.skills()), await scored(load_skills("default"))

    for skill in with_it.skills.values():
        part = skill.contributions["steadiness"]
        assert (part.status, part.p, part.n) == ("ok", 0.9, 2.0)
    [(score, before)] = zip(scores_of(with_it).values(), scores_of(without).values(), strict=True)
    assert score.contributions["steadiness"].log_odds is not UNSET
    assert score.score > before.score
    assert score.confidence > before.confidence


async def test_a_source_makes_scores_only_where_it_saw_labels(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.install()
    assert scores_of(await scored(school.skills())).keys() == {"problem_solving"}

    monkeypatch.setattr(a_source, "STEADINESS", replace(a_source.STEADINESS, trained=True))
    assert scores_of(await scored(school.skills())).keys() == set(default_skills().names)


async def test_what_is_installed_and_has_no_weight_changes_nothing(school: School) -> None:
    before = await scored(load_skills("default"))
    school.install()

    assert await scored(load_skills("default")) == before


async def test_a_weight_of_nothing_is_asked_and_moves_no_score(school: School) -> None:
    school.install()
    update = await scored(school.skills(weight=0.0))
    before = scores_of(await scored(load_skills("default")))

    assert {name: one.score for name, one in scores_of(update).items()} == {
        name: one.score for name, one in before.items()
    }


async def test_the_config_version_tells_weights_settings_and_the_sources_own_version_apart(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.install()
    a_source.MINDS["https://other.example"] = 0.9
    versions = [await scored(each) for each in (load_skills("default"), school.skills(), school.skills(weight=0.5))]
    versions.append(await scored(school.skills(settings='url = "https://other.example"')))
    for change in ({"version": "2"}, {"trained": True}, {"overlaps": ("behaviour",), "share": 0.5}):
        monkeypatch.setattr(a_source, "STEADINESS", replace(a_source.STEADINESS, **change))
        versions.append(await scored(school.skills()))

    assert len({update.config_version for update in versions}) == len(versions)


@pytest.mark.parametrize("how", ["raises", "late"])
async def test_a_source_that_fails_is_missing_and_not_zero(
    school: School, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(_self: Source, _row_batch: RowBatch) -> Estimate:
        await asyncio.Event().wait()
        raise AssertionError

    school.install()
    skills, failures = school.skills(), list[str]()
    if how == "late":
        hasty = school.folder / "skills.toml"
        hasty.write_text(hasty.read_text().replace("deadline_s = 2.0", "deadline_s = 1.0"), encoding="utf-8")
        skills = load_skills(str(hasty))
        monkeypatch.setattr(a_source.Steadiness, "estimate", forever)
    else:
        a_source.MINDS.clear()
    update, without = await scored(skills, failures), await scored(load_skills("default"))

    assert failures == ["steadiness"]
    assert update.degraded == ["steadiness"]
    assert numbers(update) == numbers(without)
    assert scores_of(update)["problem_solving"].contributions["steadiness"].status == "failed"


def numbers(update: SkillUpdate) -> dict[str, tuple[float, ...]]:
    """Of each skill that has a score."""
    return {name: (skill.score, skill.confidence) for name, skill in scores_of(update).items()}


async def test_training_fits_its_weight_and_scores_go_by_what_was_fitted(school: School) -> None:
    school.install()
    skill_set = school.skills()
    moments, _ = await moments_of(simulated.records(simulated.lines()), simulated.labels(), default_skills(), 1)
    trained = await asyncio.to_thread(train, moments, Plan("four", skill_set, folds=3))
    fit = trained.card.skills["problem_solving"].fusion

    assert fit is not None
    assert fit.weights.keys() == {"model", "language", "behaviour", "steadiness"}
    assert fit.kappa.keys() == {"model", "behaviour", "steadiness"}
    assert len(fit.intercepts) == 2**4 - 1
    assert fit.weights["steadiness"] != skill_set.skills["problem_solving"].weights["steadiness"]

    pipeline = Pipeline(skill_set, Artifact(trained.card, trained.models, "0" * 64), on_failure=fail_source)
    updates = updates_of(await Replay(pipeline).feed(simulated.records(simulated.lines(students=2))))
    skill = updates[-1].skills["problem_solving"]
    part = skill.contributions["steadiness"]
    assert part.p is not None
    reliability = part.n / (part.n + fit.kappa["steadiness"])
    served = fit.mask_weights["model+behaviour+steadiness"]
    expected = served["steadiness"] * reliability * math.log(part.p / (1 - part.p))
    assert part.log_odds == pytest.approx(expected, abs=1e-4)
    assert served["steadiness"] > 0
    assert skill.validated is (served["model"] > 0)


def test_a_source_that_fails_in_training_ends_it(school: School) -> None:
    school.install()
    skill_set = school.skills()
    process = moments_of(simulated.records(simulated.lines()), simulated.labels(), default_skills(), 1)
    moments, _ = asyncio.run(process)
    a_source.MINDS.clear()
    with pytest.raises(TrainingError, match="problem_solving: source steadiness failed: KeyError"):
        train(moments, Plan("four", skill_set, folds=3))


async def test_an_artifact_fitted_without_it_leaves_it_its_configured_weight(school: School) -> None:
    school.install()
    pipeline = Pipeline(school.skills(weight=0.5), load_artifact("default"), on_failure=fail_source)
    updates = updates_of(await Replay(pipeline).feed(records(EVENTS)))
    part = updates[-1].skills["problem_solving"].contributions["steadiness"]

    assert part.log_odds == pytest.approx(0.5 * 2 / (2 + 8) * math.log(9), abs=1e-6)


def test_what_it_shares_with_others_counts_once() -> None:
    fourth = SourceType(name="fourth", make=never_made, overlaps=("behaviour",), trained=True)
    fusion = Fusion(default_skills(), NO_ARTIFACT, (*types_of(default_skills()), fourth))
    one, half_shared = estimate(n=8.0), estimate(n=4.0, shared=0.5)

    def events(**estimates: Estimate) -> float:
        return float(fusion.evidence(estimates)[0, 0])

    assert events(behaviour=one, fourth=half_shared) == 8 + 2
    assert events(behaviour=estimate(n=1.0), fourth=half_shared) == 4
    assert events(fourth=half_shared) == 4
    assert events(language=one, fourth=half_shared) == 8 + 4
    assert events(model=one, behaviour=estimate(n=8.0, shared=1.0), fourth=half_shared) == 8 + 4


def estimate(n: float, shared: float = 0.0) -> Estimate:
    shape = (1, len(default_skills().names))
    status = np.full(shape, EstimateStatus.OK, np.int8)
    return Estimate(
        np.full(shape, 0.7),
        np.full(shape, n),
        np.zeros(shape),
        status,
        np.full(shape, shared),
        np.zeros(shape, np.bool_),
    )


def never_made(_skill_set: SkillSet, _artifact: Artifact) -> Source:
    raise AssertionError


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("nowhere.at_all:IT", r"source steadiness: nowhere\.at_all:IT cannot be loaded: ModuleNotFoundError"),
        ("tests.unit.a_source:MISSING", "cannot be loaded: AttributeError"),
        ("tests.unit.a_source:MINDS", "is not the SourceType of that name"),
        ("streams.evidence.model:MODEL", "is not the SourceType of that name"),
    ],
)
def test_an_entry_point_that_holds_no_such_source_is_refused(school: School, declared: str, why: str) -> None:
    school.install(declared)
    with pytest.raises(SkillsError, match=why):
        types_of(school.skills())


def test_a_name_that_two_packages_claim_is_refused(school: School) -> None:
    school.install()
    school.install("tests.unit.other:STEADINESS")
    with pytest.raises(SkillsError, match=r"registered by .*a_source:STEADINESS.*: install one package that has it"):
        types_of(school.skills())


def test_no_package_takes_the_place_of_a_built_in_source(school: School) -> None:
    school.install("tests.unit.a_source:STEADINESS", name="model")

    assert types_of(default_skills())[0].name == "model"


def test_what_is_not_installed_is_refused_and_what_there_is_is_named(school: School) -> None:
    with pytest.raises(SkillsError, match=r"no source 'steadiness'; there are model, language, behaviour, mastery\."):
        school.skills()
    school.install(name="punctuality")
    with pytest.raises(SkillsError, match=r"there are model, language, behaviour, mastery, punctuality"):
        school.skills()


def test_settings_that_the_source_cannot_use_are_refused(school: School) -> None:
    school.install()
    with pytest.raises(SkillsError, match=r"source steadiness cannot be made, see \[sources.steadiness\]: KeyError"):
        Pipeline(school.skills(settings=""), NO_ARTIFACT, on_failure=fail_source)


@pytest.mark.parametrize(("table", "why"), [("model", "a built-in source has no settings"), ("x", "no skill gives it")])
def test_settings_of_no_source_in_use_are_refused(school: School, table: str, why: str) -> None:
    school.install()
    path = school.skills_file()
    path.write_text(f"{path.read_text()}\n[sources.{table}]\na = 1\n", encoding="utf-8")
    with pytest.raises(SkillsError, match=rf"skills.toml: sources.{table}: {why}"):
        load_skills(str(path))


def test_a_source_that_no_skill_weighs_is_refused_by_the_pipeline(school: School) -> None:
    school.install()
    [*_, strange] = make_sources(types_of(school.skills()), school.skills(), NO_ARTIFACT)
    with pytest.raises(SkillsError, match="source steadiness is not in use: no skill of default gives it a weight"):
        Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, sources=[strange])


@pytest.mark.parametrize(
    "declared", [{"name": "a+b"}, {"share": 1.5}, {"overlaps": ("model",), "remote": True}], ids=str
)
def test_a_declaration_that_makes_no_sense_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"name of a source|must be within|must declare its share"):
        SourceType(**{"name": "fourth", "make": never_made, **declared})  # type: ignore[arg-type]


def test_the_doctor_names_it_and_warns_of_an_artifact_fitted_without_it(school: School) -> None:
    school.install()
    settings = Settings(skills=str(school.skills_file()))

    assert "source steadiness, version 1, remote: verify goes by what it said in updates" in [
        found.said for found in Skills(settings).run()
    ]
    [found] = ModelArtifact(settings).run()
    assert "was fitted for problem_solving without steadiness" in found.said


async def test_the_documentation_s_example_is_a_source(school: School) -> None:
    page = (Path(streams.__file__).parent.parent / "docs" / "sources.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (school.folder / "page_of_sources.py").write_text(example, encoding="utf-8")
    school.patch.syspath_prepend(school.folder)
    school.install("page_of_sources:STEADINESS")

    update = await scored(school.skills())
    assert update.skills["empathy"].contributions["steadiness"].p == 0.7
