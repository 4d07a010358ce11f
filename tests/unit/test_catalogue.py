"""The entry of a configuration in `skill-catalogue`: what updates leave to it, and that it is there for each."""

import math
from pathlib import Path

import msgspec
import pytest

import streams
from agents.cli.catalogue import lines_of
from schemas.catalogue import CataloguedFact, CatalogueEntry, encode_entry, read_entry
from schemas.fusion_config import LevelOverrides, Overrides
from schemas.update import Contribution, SkillScore, read_update
from streams.evidence.artifacts import load_artifact
from streams.evidence.registry import config_version, types_of
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.scoring import catalogue
from streams.scoring.catalogue import BY_RATINGS, catalogue_entry
from streams.scoring.evidence_texts import evidence_names
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from streams.verification.catalogue import CatalogueCheck
from streams.verification.latest import Last
from streams.verification.published import shorten
from streams.verification.slices import Slice
from tests.events import NOW_MS, default_skills, fail_source, processed, raw, records

ARTIFACT = load_artifact("default")
SKILL = "problem_solving"


def entry_of(skill_set: SkillSet) -> CatalogueEntry:
    types = types_of(skill_set)
    return catalogue_entry(skill_set, ARTIFACT, types, config_version(skill_set, types, ARTIFACT))


def pipeline() -> Pipeline:
    return Pipeline(default_skills(), ARTIFACT, on_failure=fail_source)


# -- what is in it


def test_it_says_which_skills_may_have_a_score_and_what_of() -> None:
    entry = entry_of(default_skills())

    assert (entry.skill_set, entry.model) == ("default", ARTIFACT.id)
    assert {name for name, skill in entry.skills.items() if skill.kind == "score"} == {SKILL}
    assert "PISA" in entry.skills[SKILL].rests_on["model"]
    assert all(skill.rests_on["rubric"] == BY_RATINGS for skill in entry.skills.values())
    assert entry.skills["resilience"].rests_on.keys() == {"rubric"}, "else it is a profile, and rests on nothing"
    data = entry.skills[SKILL].trained_on
    assert data is not msgspec.UNSET
    assert data.students == ARTIFACT.card.skills[SKILL].students


def test_what_is_overridden_is_in_the_entry_of_its_version() -> None:
    changed = Overrides(weights={SKILL: {"behaviour": 2.5}}, levels=LevelOverrides(proficient=0.9))
    of_file, overridden = pipeline(), pipeline()
    overridden.scorer = overridden.scorer_with(changed)
    before, after = of_file.scorer.catalogue_entry, overridden.scorer.catalogue_entry

    assert after.config_version == overridden.config_version != before.config_version
    assert (after.levels.proficient, after.skills[SKILL].weights["behaviour"]) == (0.9, 2.5)
    assert before.levels.proficient == default_skills().levels.proficient


def test_one_version_has_one_entry_to_the_byte_whatever_the_order_of_the_skills_file() -> None:
    default = (Path(streams.__file__).parent / "config" / "default.toml").read_text(encoding="utf-8")
    shuffled = msgspec.toml.decode(default)
    shuffled["skills"] = dict(reversed(shuffled["skills"].items()))
    one, other = entry_of(load_skills("default")), entry_of(msgspec.convert(shuffled, SkillSet))
    assert list(one.skills) != list(other.skills)

    assert one.config_version == other.config_version
    assert encode_entry(one) == encode_entry(other)
    assert read_entry(encode_entry(one)) == one


def test_of_many_sources_each_has_its_words_and_not_each_set_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {source: Contribution(p=0.7, n=3, log_odds=0.1) for source in ("model", "behaviour")}
    score = SkillScore(score=0.6, confidence=0.5, level="developing", validated=False, contributions=parts)
    whole = entry_of(default_skills()).rests_on(SKILL, score)
    monkeypatch.setattr(catalogue, "MOST_TOGETHER", 2)
    entry = entry_of(default_skills())

    assert entry.skills[SKILL].rests_on.keys() == {"", "model", "language", "behaviour", "rubric"}
    assert whole.startswith("a model")
    assert entry.rests_on(SKILL, score) == " and ".join(entry.skills[SKILL].rests_on[each] for each in sorted(parts))


@pytest.mark.parametrize("name", ["default", "course_success", "course_work", "mastery", "empathy"])
def test_the_entries_of_the_shipped_skill_sets_are_told_whole_in_words(name: str) -> None:
    entry = entry_of(load_skills(name))
    told = "\n".join(lines_of(entry))

    for skill, of_skill in entry.skills.items():
        assert f"{skill} ({of_skill.kind}): {of_skill.definition}" in told
        assert all(words in told for words in (*of_skill.rests_on.values(), *of_skill.indicators.values()))


# -- what facts say


def told(entry: CatalogueEntry, name: str, value: float) -> str:
    """The text of a fact, filled in."""
    fact = entry.fact(name)
    assert fact is not None
    return fact.in_words(value, name.removeprefix("~"))


@pytest.mark.parametrize("name", ["default", "empathy"])
def test_every_fact_that_an_evidence_item_can_name_is_told_without_a_table_of_ours(name: str) -> None:
    skill_set = load_skills(name)
    entry = entry_of(skill_set)

    for fact in evidence_names(skill_set).values():
        assert "{" not in told(entry, fact, 1.0)
    assert entry.fact("unheard_of") is None


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("failed", 0.3, "did not pass a task, with a score of 0.7"),
        ("late", 2.5, "handed in work 2.5 days late"),
        ("late", 900, "handed in work 900 days late"),
        ("hinted", 1, "took 1 hint on a task"),
        ("worked", math.log1p(90), "worked on a task for 1.5 minutes"),
        ("rubric", 0.8, "was given a rating of 0.8 by a teacher"),
        ("~how do you feel", 1, "wrote “how do you feel”"),
    ],
)
def test_the_number_of_a_fact_is_made_of_its_value_as_the_entry_says(fact: str, value: float, text: str) -> None:
    assert told(entry_of(default_skills()), fact, value) == text


def test_an_entry_of_a_former_program_has_no_facts_and_is_read() -> None:
    without = msgspec.structs.replace(entry_of(default_skills()), facts={})

    assert b'"facts"' not in encode_entry(without)
    assert read_entry(encode_entry(without)) == without


def test_facts_of_one_unit_say_so_where_people_read_them() -> None:
    entry = msgspec.structs.replace(
        entry_of(default_skills()), facts={"hinted": CataloguedFact(text="took {value} hint{s}", unit="count")}
    )

    assert "fact hinted: took {value} hint{s} (count)" in list(lines_of(entry))


# -- that it is there


def check(*topic: FileRecord) -> list[str]:
    """What is said of one student's update, with these records on the topic."""
    [last] = processed(records([raw()]), pipeline=pipeline(), scores=True).updates.values()
    looked = CatalogueCheck()
    looked.note(b"ada", 2, shorten(read_update(last)))
    return [f"{found.kind} {found.student} {found.partition}: {found.what}" for found in looked.missing(topic)]


def written(key: str | None = None, value: bytes | None = b"") -> FileRecord:
    entry = pipeline().scorer.catalogue_entry
    said = encode_entry(entry) if value == b"" else value
    return FileRecord(0, NOW_MS, said, "skill-catalogue", 0, (key or entry.config_version).encode())


def test_an_update_that_names_what_the_catalogue_does_not_have_is_found() -> None:
    version = pipeline().config_version
    missing = f"update ada 2: skill-catalogue has no entry of {version}, which the last updates of 1 student names"

    assert check(written()) == []
    assert check(written(), written()) == []
    for without in ((), (written(), written(value=None)), (written(key="x"),), (written(value=b"{}"),)):
        assert check(*without) == [missing]


def test_an_update_of_the_former_version_needs_no_entry() -> None:
    [last] = processed(records([raw()]), pipeline=pipeline(), scores=True).updates.values()
    former = (
        b'{"version":1,"student_id":"ada","seq":[0,1],"as_of":"2026-01-05T09:12:00.000Z","skills":{},"degraded":[],'
        b'"config_version":"former","model":"m"}'
    )
    looked = CatalogueCheck()
    for student, update in ((b"ada", former), (b"bob", last.replace(b'"ada"', b'"bob"'))):
        noted = Last(Slice(), 1 << 20)
        noted.note_updates([FileRecord(0, NOW_MS, update, "skill-updates", 0, student)])
        published = noted.published(student)
        assert published is not None, list(noted.problems)
        looked.note(student, 0, published)

    assert [found.student for found in looked.missing(())] == ["bob"]
