"""The item bank's file: what is written is read again, and nothing else."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.evidence.artifacts import ArtifactError, Card, SkillCard, load_artifact, save_artifact
from streams.mastery.bank import BankUnreadable, ItemBank, read_bank, rounded, write_bank
from tests.unit.mastery.banks import BANK

FILE = "mastery.bank.json"
CARD = Card(
    version=1,
    name="hand-made",
    trained_with={},
    skills={"mastery": SkillCard(file=FILE, sha256="", features=(), labels="none", examples=1, students=1, metrics={})},
)


def changed(**fields: Any) -> bytes:
    """The bank's file, some of its fields being others."""
    return msgspec.json.encode(msgspec.to_builtins(BANK) | fields)


def test_a_bank_is_read_as_it_was_written_and_always_in_the_same_bytes() -> None:
    backwards = msgspec.structs.replace(BANK, items=dict(reversed(BANK.items.items())))

    assert read_bank(write_bank(BANK)) == BANK
    assert write_bank(backwards) == write_bank(BANK)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (write_bank(BANK)[:-20], "truncated"),
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (changed(version=2), "version 2, 1 is read here"),
        (changed(items={"hard": "very"}), "items"),
        (changed(items={"hard": 1e9}), "<= 100"),
        (changed(items={"hard": None}), "items"),
        (changed(outlook={}), "intercept"),
        (changed(component_intervals={"edges": [1.0], "half_widths": [0.2]}), "one half-width more"),
        (changed(component_intervals={"edges": [2.0, 1.0], "half_widths": [0.2] * 3}), "edges must rise"),
        (changed(more=1), "unknown field"),
        (write_bank(BANK).replace(b'"hard"', b'"h\xffrd"'), "can't decode byte 0xff"),
        (b'{"version":1,"more":' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_bank_is_refused_with_the_reason(stored: bytes, says: str) -> None:
    with pytest.raises(BankUnreadable, match=says):
        read_bank(stored)


def test_a_coefficient_that_is_not_finite_is_never_stored() -> None:
    with pytest.raises(ValueError, match="nan is no coefficient"):
        rounded(float("nan"))


def test_an_artifact_has_its_bank_and_no_classifier(tmp_path: Path) -> None:
    artifact = save_artifact(tmp_path, CARD, {"mastery": BANK})

    assert artifact.banks == {"mastery": BANK}
    assert artifact.models == {}
    assert load_artifact(str(tmp_path)) == artifact


def test_a_bank_that_could_not_be_read_again_replaces_nothing(tmp_path: Path) -> None:
    save_artifact(tmp_path / "a", CARD, {"mastery": BANK})
    steep = msgspec.structs.replace(BANK, outlook=msgspec.structs.replace(BANK.outlook, share=101.0))

    with pytest.raises(ArtifactError, match=r"<= 100\.0 - at `\$\.outlook\.share`"):
        save_artifact(tmp_path / "a", CARD, {"mastery": steep})
    assert load_artifact(str(tmp_path / "a")).banks == {"mastery": BANK}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_tampered_a_cut_and_a_foreign_bank_stop_the_artifact_and_say_what_to_do(tmp_path: Path) -> None:
    save_artifact(tmp_path, CARD, {"mastery": BANK})
    file = tmp_path / FILE
    whole = file.read_bytes()

    file.write_bytes(whole.replace(b"hard", b"soft"))
    with pytest.raises(ArtifactError, match=r"not the file its card describes: copy it again whole, or train it again"):
        load_artifact(str(tmp_path))
    file.write_bytes(whole[:-9])
    with pytest.raises(ArtifactError, match="not the file its card describes"):
        load_artifact(str(tmp_path))
    file.unlink()
    with pytest.raises(ArtifactError, match="No such file"):
        load_artifact(str(tmp_path))
    put(tmp_path, changed(version=7))
    with pytest.raises(ArtifactError, match=r"version 7, 1 is read here: train it again with `skillstream train`"):
        load_artifact(str(tmp_path))


def put(folder: Path, stored: bytes) -> None:
    """Put a bank into an artifact, with the hash that it has."""
    (folder / FILE).write_bytes(stored)
    card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
    skill_card = msgspec.structs.replace(card.skills["mastery"], sha256=hashlib.sha256(stored).hexdigest())
    (folder / "card.json").write_bytes(
        msgspec.json.encode(msgspec.structs.replace(card, skills={"mastery": skill_card}))
    )


@pytest.mark.parametrize("card", [b'{"version":1,"name":"\xff"}', b'{"version":1,"more":' + b"[" * 100_000])
def test_a_card_in_another_encoding_or_without_an_end_is_refused(tmp_path: Path, card: bytes) -> None:
    (tmp_path / "card.json").write_bytes(card)
    with pytest.raises(ArtifactError, match=r"card\.json: "):
        load_artifact(str(tmp_path))


def test_an_item_bank_has_no_code_in_it() -> None:
    assert isinstance(msgspec.json.decode(write_bank(BANK)), dict)
    assert ItemBank.__struct_config__.forbid_unknown_fields
