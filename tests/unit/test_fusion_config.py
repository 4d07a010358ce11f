"""`fusion-config` without Kafka: what fits, what it changes in updates, and which configuration is in force."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from schemas.fusion_config import FusionConfig, FusionOverrides, LevelOverrides, Overrides
from schemas.unreadable import UnreadableBatch
from schemas.update import SkillUpdate, read_update
from streams.evidence.artifacts import NO_ARTIFACT, FusionFit, SkillCard
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.row_batch import RowBatch
from streams.scoring.config_log import ConfigEntry, ConfigLog, RefusedEntry, encoded_config, encoded_request, key_of
from streams.scoring.overrides import NO_OVERRIDES, ConfigRefused, apply_overrides, merged, version_of, weights_of
from tests.artifacts import of_a_former_trainer
from tests.events import NOW_MS, default_skills, fail_source, processed, raw, records, rows_of, scores_of

SKILL = "problem_solving"
LOUD = Overrides(weights={SKILL: {"behaviour": 2.5}})
STRICT = Overrides(levels=LevelOverrides(proficient=0.9))


def overrides() -> st.SearchStrategy[Overrides]:
    """Such as fit the default skills."""
    weight, threshold = st.floats(0.1, 100), st.floats(0.01, 0.4)
    weights = st.dictionaries(
        st.sampled_from(default_skills().names), st.fixed_dictionaries({"behaviour": weight}), max_size=3
    )
    levels = st.one_of(st.just(UNSET), st.builds(LevelOverrides, developing=threshold, min_confidence=threshold))
    fusion = st.one_of(st.just(UNSET), st.builds(FusionOverrides, kappa=st.floats(0.1, 1000)))
    return st.builds(Overrides, weights=weights, levels=levels, fusion=fusion)


def fits(wanted: Overrides) -> object:
    return apply_overrides(wanted, default_skills(), NO_ARTIFACT)


def written(wanted: Overrides, offset: int, reason: str = "", **given: Any) -> FileRecord:
    """A record of the topic, as the command writes it."""
    key, value = encoded_config(wanted, reason)
    return FileRecord(offset, NOW_MS + offset, **{"topic": "fusion-config", "key": key, "value": value, **given})


def noted(*topic: FileRecord) -> ConfigLog:
    log = ConfigLog(fits)
    log.note_all(topic)
    return log


def version_in_force(log: ConfigLog) -> str | None:
    return None if log.in_force is None else log.in_force.version


# -- which one is in force


def test_a_request_to_rescore_is_beside_the_configurations() -> None:
    key, value = encoded_request("all")
    log = noted(written(LOUD, 0), written(STRICT, 1, key=b"bad"), FileRecord(2, NOW_MS, value, "fusion-config", 0, key))

    assert log.rescore is not None
    assert (log.rescore.id, log.rescore.reason) == ((2, NOW_MS), "all")
    assert version_in_force(log) == version_of(LOUD)
    assert log.refused is not None, "a request mends nothing"
    assert isinstance(log.note(FileRecord(3, NOW_MS, value, "fusion-config", 0, b"other")), RefusedEntry)


def test_the_newest_good_configuration_is_in_force_and_the_others_are_found_by_their_versions() -> None:
    log = noted(written(LOUD, 0), written(STRICT, 1, "inflation"), written(NO_OVERRIDES, 2), written(STRICT, 3, "no"))

    assert log.in_force == ConfigEntry(version_of(STRICT), STRICT, "no", 3, NOW_MS + 3)
    assert log.find(version_of(LOUD)) == ConfigEntry(version_of(LOUD), LOUD, "", 0, NOW_MS)
    assert log.find("0123456789ab") is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["loud", "strict", "none", "bad", "odd key", "removed"]), max_size=8), st.data())
def test_what_compaction_removes_and_where_a_reader_stops_change_nothing(said: list[str], data: st.DataObject) -> None:
    makers = {
        "loud": lambda offset: written(LOUD, offset),
        "strict": lambda offset: written(STRICT, offset),
        "none": lambda offset: written(NO_OVERRIDES, offset),
        "bad": lambda offset: written(LOUD, offset, key=b"bad", value=b"{}"),
        "odd key": lambda offset: written(STRICT, offset, key=b"odd"),
        "removed": lambda offset: written(LOUD, offset, value=None),
    }
    topic = [makers[each](offset) for offset, each in enumerate(said)]
    newest = {record.key: record for record in topic}
    kept = {record.offset for record in newest.values()}
    removed = data.draw(st.sets(st.sampled_from(sorted({r.offset for r in topic} - kept) or [-1])))

    whole, compacted = noted(*topic), noted(*(record for record in topic if record.offset not in removed))

    assert (whole.in_force, whole.refused) == (compacted.in_force, compacted.refused)


BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "no JSON": ("unreadable", {"value": b"<xml/>"}),
    "no UTF-8": ("unreadable", {"value": b'{"type": "\xff"}'}),
    "nested without end": ("unreadable", {"value": b"[" * 60_000}),
    "too large": ("unreadable", {"value": b" " * 65_537}),
    "a batch that nobody unpacks": ("unreadable", {"value": UnreadableBatch(b"", "of no codec")}),
    "another version": ("unreadable", {"value": b'{"type":"config","version":2,"overrides":{}}'}),
    "an unknown field": ("unreadable", {"value": b'{"type":"config","version":1,"overrides":{"weight":{}}}'}),
    "a text for a number": (
        "unreadable",
        {"value": b'{"type":"config","version":1,"overrides":{"fusion":{"kappa":"8"}}}'},
    ),
    "a negative weight": (
        "unreadable",
        {"value": b'{"type":"config","version":1,"overrides":{"weights":{"empathy":{"model":-1}}}}'},
    ),
    "NaN": ("unreadable", {"value": b'{"type":"config","version":1,"overrides":{"fusion":{"kappa":NaN}}}'}),
    "a threshold of 1": (
        "unreadable",
        {"value": b'{"type":"config","version":1,"overrides":{"levels":{"proficient":1}}}'},
    ),
    "another key": ("key", {"key": b"0123456789ab"}),
    "no key": ("key", {"key": None}),
    "another partition": ("partition", {"partition": 2}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_refused_with_its_reason_and_the_old_configuration_stays(what: str) -> None:
    refusal, given_ = BAD[what]
    log = noted(written(LOUD, 0))
    record = written(STRICT, 1, **given_)

    entry = log.note(record)

    assert isinstance(entry, RefusedEntry)
    assert entry.refusal == refusal
    assert version_in_force(log) == version_of(LOUD)
    assert (log.refused == entry) == (record.partition == 0), "what is on another partition has no place in the order"
    log.note(written(NO_OVERRIDES, 2))
    assert log.refused is None, "something good is newer"


@pytest.mark.parametrize(
    ("wanted", "refusal", "words"),
    [
        (Overrides(weights={"problem_solvin": {"behaviour": 1.0}}), "skill", "problem_solving"),
        (Overrides(weights={SKILL: {"behavior": 1.0}}), "source", "behaviour"),
        (Overrides(weights={SKILL: {"mastery": 1.0}}), "source", "no such source in use"),
        (Overrides(weights={SKILL: {"model": 0.0, "language": 0.0, "behaviour": 0.0}}), "weights", "no source"),
        (Overrides(levels=LevelOverrides(developing=0.7)), "levels", "developing would be 0.7, proficient 0.65"),
    ],
)
def test_what_does_not_fit_the_skills_is_refused_naming_what_is_allowed(
    wanted: Overrides, refusal: str, words: str
) -> None:
    with pytest.raises(ConfigRefused, match=words) as refused:
        fits(wanted)

    assert refused.value.refusal == refusal
    assert noted(written(LOUD, 0), written(wanted, 1)).in_force == noted(written(LOUD, 0)).in_force


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(max_size=9), st.lists).map(orjson.dumps))
def test_whatever_is_on_the_topic_the_old_configuration_stays(value: bytes) -> None:
    log = noted(written(LOUD, 0))
    log.note(FileRecord(1, NOW_MS, value, "fusion-config", 0, b"garbage"))

    assert version_in_force(log) == version_of(LOUD)


# -- versions


@settings(max_examples=50, deadline=None)
@given(overrides(), overrides())
def test_versions_are_of_the_content_and_survive_the_way_over_the_topic(one: Overrides, other: Overrides) -> None:
    key, value = encoded_config(one, "because")
    read = msgspec.json.decode(value, type=FusionConfig).overrides

    assert key == key_of(version_of(one)) == key_of(version_of(read))
    assert (version_of(one) == version_of(other)) == (one == other)
    assert merged(NO_OVERRIDES, one) == merged(one, one) == one
    fits(one)


def test_empty_tables_override_nothing() -> None:
    empty = Overrides(weights={SKILL: {}}, levels=LevelOverrides(), fusion=FusionOverrides())

    assert version_of(empty) == version_of(NO_OVERRIDES) == ""


# -- what it changes


def pipeline() -> Pipeline:
    return Pipeline(default_skills(), of_a_former_trainer(), on_failure=fail_source)


def scored(pipeline: Pipeline, wanted: Overrides) -> SkillUpdate:
    """The update of a student who answered twelve times, and worked in a simulation."""
    answers = [raw(event_id=f"e{n}", item_id=f"q{n}", score=n % 2, minute=n) for n in range(12)]
    runs = [raw("control", minute=20 + n, controls={"a": float(n % 2), "b": 1.0}) for n in range(4)]
    rows = RowBatch.of(list(rows_of(processed(records(answers + runs))).values()), default_skills().names)
    scorer = pipeline.scorer_with(wanted)
    [update] = scorer.write([b"ada"], asyncio.run(scorer.score(rows)))
    return read_update(update)


def test_without_overrides_updates_are_what_they_were_and_with_them_they_name_the_version() -> None:
    plain, loud = scored(pipeline(), NO_OVERRIDES), scored(pipeline(), LOUD)

    assert plain.config_version == pipeline().base_version
    assert loud.config_version == f"{plain.config_version}-{version_of(LOUD)}"
    assert scored(pipeline(), Overrides(weights={SKILL: {}})) == plain


def test_a_weight_moves_its_skill_and_no_other() -> None:
    plain, loud = scored(pipeline(), NO_OVERRIDES).skills, scored(pipeline(), LOUD).skills
    fit = of_a_former_trainer().card.skills[SKILL].fusion
    assert fit is not None
    weight = fit.weights["behaviour"]

    assert {name for name in plain if plain[name] != loud[name]} == {SKILL}
    moved = loud[SKILL].contributions["behaviour"].added / plain[SKILL].contributions["behaviour"].added
    assert moved == pytest.approx(2.5 / weight, rel=1e-3)


def test_a_threshold_moves_levels_and_no_score() -> None:
    low = Overrides(levels=LevelOverrides(developing=0.01, proficient=0.02, min_confidence=0.01))
    plain, lower = scores_of(scored(pipeline(), NO_OVERRIDES)), scores_of(scored(pipeline(), low))

    assert {name: skill.score for name, skill in plain.items()} == {name: s.score for name, s in lower.items()}
    assert {skill.level for skill in lower.values()} == {"proficient"} != {skill.level for skill in plain.values()}


def test_the_scorer_of_a_batch_stays_when_another_is_put_in_force() -> None:
    swapped = pipeline()

    def swap(_keys: object, batch: Any) -> Any:
        swapped.scorer = swapped.scorer_with(LOUD)
        return batch.rows

    first, second = (
        processed(records([raw()]), pipeline=swapped, scores=True, note_pending=swap).updates[b"ada"] for _ in range(2)
    )

    assert read_update(first).config_version == swapped.base_version
    assert read_update(second).config_version == swapped.config_version != swapped.base_version


def test_an_overridden_weight_replaces_the_fitted_one_whichever_sources_are_present() -> None:
    fit = FusionFit(
        weights={"model": 1.0, "behaviour": 0.2}, intercepts={}, mask_weights={"behaviour": {"behaviour": 0.9}}
    )
    card = SkillCard(file="", sha256="", features=(), labels="", examples=1, students=1, metrics={}, fusion=fit)
    fitted = replace(NO_ARTIFACT, card=msgspec.structs.replace(NO_ARTIFACT.card, skills={SKILL: card}))

    skill_set, configured = apply_overrides(Overrides(weights={SKILL: {"behaviour": 0.5}}), default_skills(), fitted)

    assert weights_of(skill_set, configured)[SKILL] | {"language": 0.0} == {
        "model": 1.0,
        "behaviour": 0.5,
        "language": 0.0,
    }
    changed = configured.card.skills[SKILL].fusion
    assert changed is not None
    assert changed.mask_weights == {"behaviour": {}}
    assert configured.digest == fitted.digest
