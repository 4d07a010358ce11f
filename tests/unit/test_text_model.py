"""A text model: a table that a skills file names by its hash, and what it says of texts."""

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evidence.artifacts import NO_ARTIFACT
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row
from streams.skills.skill_set import SkillsError, TextModelFile, with_text_models
from streams.skills.skills_file import load_skills
from streams.skills.text_model_files import naming, write_text_models
from streams.skills.text_reader import TextReader, Unread
from streams.texts.text_model import (
    MAX_BYTES,
    TextModel,
    TextModelError,
    decode_text_model,
    digest_of_file,
    encode_text_model,
)
from streams.vocabulary import skill_code
from tests.events import fail_source, processed, raw, records, updates_of

MODEL = TextModel(
    population="nobody",
    texts=100,
    people=50,
    metrics={"auc": 0.6},
    stem_chars=6,
    bias=0.1,
    least_norm=4.0,
    least_words=6,
    stems={"sorrow": (2.0, 3.0), "boring": (2.0, -3.0), "the": (1.0, 0.0)},
)
SAD = "I felt the sorrow of all the people who were there"
BORED = "it was boring and there was so much more of it"
HEAD = """\
version = 1
name = "written"
[skills.grief]
definition = "…"
basis = "a test"
weights = { language = 1.0 }
# kept
[skills.grief.text_model]
"""


def skills_file(folder: Path, model: TextModel = MODEL, **given: str) -> str:
    """A skills file beside the file of `model`; `given` replaces what is said of it."""
    (folder / "grief.texts.json").write_bytes(encode_text_model(model))
    named = {"file": "grief.texts.json", "sha256": digest_of_file(encode_text_model(model)), **given}
    path = folder / "skills.toml"
    path.write_text(HEAD + "".join(f'{key} = "{value}"\n' for key, value in named.items()), encoding="utf-8")
    return str(path)


def test_a_text_counts_by_its_stems_whatever_their_order_and_number() -> None:
    said = MODEL.log_odds("the sorrow and the sorrows of it".split())

    assert said == pytest.approx(0.1 + 2 * 3 / 4), "a short text is divided by the least norm"
    assert MODEL.log_odds("it of sorrowful the and the sorrow sorrow".split()) == said
    assert MODEL.log_odds("none of these is in the list".split()) == pytest.approx(0.1)


def test_a_text_below_its_range_says_nothing() -> None:
    assert MODEL.log_odds("the sorrow of it all".split()) is None


@given(st.lists(st.sampled_from([*MODEL.stems, "other"]), min_size=6, max_size=30))
def test_log_odds_are_bounded_by_the_weights(words: list[str]) -> None:
    said = MODEL.log_odds(words)

    assert said is not None
    assert math.isfinite(said)
    assert abs(said - MODEL.bias) <= 3 * math.sqrt(2)


def test_a_skills_file_names_it_and_texts_are_read_by_it(tmp_path: Path) -> None:
    skill_set = load_skills(skills_file(tmp_path))
    reader = TextReader.of(skill_set)

    assert skill_set.skills["grief"].text_table == MODEL
    assert reader.read(SAD).log_odds == {0: MODEL.log_odds(SAD.lower().split())}
    assert reader.read("“the sorrow” was so boring to all of them").log_odds[0] < 0
    assert reader.read("I felt the sorrow there").unread is Unread.SHORT
    assert reader.read("I felt the sorrow and want to die of it").unread is Unread.DISCLOSURE


def test_the_score_is_of_the_mean_text_and_the_row_names_no_word_of_it(tmp_path: Path) -> None:
    pipeline = Pipeline(load_skills(skills_file(tmp_path)), NO_ARTIFACT, on_failure=fail_source)
    told = [raw("message", minute=n, text=words) for n, words in enumerate((SAD, BORED, SAD))]

    result = processed(records(told), pipeline=pipeline, scores=True)
    [update] = updates_of(result)
    said = update.skills["grief"].contributions["language"]
    [stored] = result.rows.values()

    assert said.p is not None
    mean = sum(MODEL.log_odds(words.lower().split()) or 0 for words in (SAD, BORED, SAD)) / 3
    assert said.p == pytest.approx(1 / (1 + math.exp(-mean)), abs=1e-4)
    assert update.skills["grief"].evidence == []
    assert update.config_version == pipeline.config_version
    assert stored is not None
    assert decode_row(stored).skills[skill_code("grief")].text_n == pytest.approx(3, rel=1e-3)


def test_what_a_text_model_read_can_be_voided(tmp_path: Path) -> None:
    pipeline = Pipeline(load_skills(skills_file(tmp_path)), NO_ARTIFACT, on_failure=fail_source)
    voided = raw("message", event_id="x", text=SAD, voidable=True)

    whole = processed(records([voided, raw("voided", voided_id="x")]), pipeline=pipeline)
    [stored] = whole.rows.values()

    assert stored is not None
    assert decode_row(stored).skills[skill_code("grief")].text_total == 0


def test_the_config_version_changes_with_the_table(tmp_path: Path) -> None:
    other = msgspec.structs.replace(MODEL, bias=0.2)
    first = load_skills(skills_file(tmp_path)).config_version

    assert load_skills(skills_file(tmp_path)).config_version == first
    assert load_skills(skills_file(tmp_path, other)).config_version != first


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (None, "No such file"),
        (b"", "is not the file of that sha256"),
        (b" " * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
        (encode_text_model(MODEL).replace(b"3.0", b"9.0", 1), "is not the file of that sha256"),
    ],
    ids=["missing", "empty", "too large", "tampered"],
)
def test_a_file_that_is_not_the_named_one_is_refused(tmp_path: Path, stored: bytes | None, why: str) -> None:
    path = skills_file(tmp_path)
    (tmp_path / "grief.texts.json").unlink()
    if stored is not None:
        (tmp_path / "grief.texts.json").write_bytes(stored)

    with pytest.raises(SkillsError, match=rf"skills\.toml: skills\.grief\.text_model: .*{why}"):
        load_skills(path)


GOOD = encode_text_model(MODEL)


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (GOOD[:-20], "is no text model"),
        (b"\x80\x04pickle", "is no text model"),
        (b'{"version": 1, "more": ' + b"[" * 100_000, "is no text model"),
        (GOOD.replace(b'"version": 1', b'"version": 2'), "has version 2, 1 is read here: train it again"),
        (GOOD.replace(b'"bias": 0.1', b'"bias": 1e999'), "is no text model"),
        (GOOD.replace(b'"bias": 0.1', b'"bias": NaN'), "is no text model"),
        (GOOD.replace(b'"bias": 0.1', b'"bias": 1e6'), "bias"),
        (GOOD.replace(b'"least_norm": 4.0', b'"least_norm": 0.0'), "least_norm"),
        (GOOD.replace(b'"least_words"', b'"least_word"'), "least_word"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, stored: bytes, why: str) -> None:
    path = skills_file(tmp_path, sha256=digest_of_file(stored))
    (tmp_path / "grief.texts.json").write_bytes(stored)

    with pytest.raises(SkillsError, match=why):
        load_skills(path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[skills.grief.text_model]", "lexicon = { sorrow = 1.0 }\n[skills.grief.text_model]", "read in one way"),
        ("sha256 = ", "# sha256 = ", "file and sha256 belong together"),
        ("file = ", 'table = "x"\nfile = ', "table"),
        ('file = "', 'file = "../', "file"),
        ('sha256 = "', 'sha256 = "x', "sha256"),
        ("file = ", "files = ", "there is no such key. Did you mean file"),
    ],
)
def test_what_is_said_of_a_file_is_checked(tmp_path: Path, old: str, new: str, why: str) -> None:
    path = Path(skills_file(tmp_path))
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(SkillsError, match=why):
        load_skills(str(path))


def test_a_skill_whose_model_is_still_to_be_trained_reads_no_text(tmp_path: Path) -> None:
    (tmp_path / "skills.toml").write_text(HEAD, encoding="utf-8")
    skill_set = load_skills(str(tmp_path / "skills.toml"))

    assert skill_set.skills["grief"].text_table is None
    assert TextReader.of(skill_set).read(SAD).log_odds == {}


@pytest.mark.parametrize("named", ["", 'file = "old.json"\nsha256 = "00"\n', "# none yet\n"])
def test_a_written_skills_file_names_the_written_table_and_keeps_all_else(tmp_path: Path, named: str) -> None:
    skill_set = load_skills(skills_file(tmp_path))
    text = f"{HEAD}{named}\n[fusion]\nkappa = 2.0\n"

    write_text_models(tmp_path / ".", skill_set, text)
    written = load_skills(str(tmp_path / "skills.toml"))

    assert written.skills["grief"].text_table == MODEL
    assert written.fusion.kappa == 2
    assert "# kept" in (tmp_path / "skills.toml").read_text(encoding="utf-8")


def test_a_skill_without_the_table_gets_one_and_one_in_another_notation_is_refused(tmp_path: Path) -> None:
    skill_set = load_skills(skills_file(tmp_path))
    named = skill_set.skills["grief"].text_model
    assert named is not msgspec.UNSET
    bare = HEAD.replace("[skills.grief.text_model]\n", "")

    assert naming(bare, {"grief": named}).endswith(f'[skills.grief.text_model]\nfile = "{named.file}"\n'
                                                   f'sha256 = "{named.sha256}"\n')  # fmt: skip
    with pytest.raises(SkillsError, match=r"must be a table \[skills"):
        naming(bare.replace("# kept", "text_model = {}"), {"grief": named})


def test_a_table_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    skills_file(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    text = (tmp_path / "skills.toml").read_text(encoding="utf-8")
    steep = msgspec.structs.replace(MODEL, stems={"sorrow": (2.0, 101.0)})
    skill_set = with_text_models(load_skills(str(tmp_path / "skills.toml")), {"grief": TextModelFile(table=steep)})

    with pytest.raises(TextModelError, match=r"grief\.texts\.json is no text model: .* <= 100\.0"):
        write_text_models(tmp_path, skill_set, text)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_norm_of_texts_of_thousands_of_words_is_read() -> None:
    long = msgspec.structs.replace(MODEL, least_norm=140.0)
    assert decode_text_model(encode_text_model(long), "") == long
