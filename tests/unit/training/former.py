"""Artifacts as they were written before: a scikit-learn classifier, stored by skops."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec
import skops.io

from streams.evidence.artifacts import Card, SkillCard
from streams.evidence.features import FEATURES
from tests.unit.training import boosting

SKILL: Final = "problem_solving"


def bytes_of(value: object) -> bytes:
    """As skops stores it."""
    return bytes(skops.io.dumps(value))


def former_artifact(folder: Path, stored: bytes, trained_with: str = "1.9.1") -> str:
    """The folder of an artifact that has these bytes for a model."""
    skill = SkillCard(
        file=f"{SKILL}.skops",
        sha256=hashlib.sha256(stored).hexdigest(),
        features=FEATURES[: boosting.FEATURES],
        labels="",
        examples=1,
        students=1,
        metrics={},
    )
    card = Card(version=1, name="former", trained_with={"scikit-learn": trained_with}, skills={SKILL: skill})
    (folder / skill.file).write_bytes(stored)
    (folder / "card.json").write_bytes(msgspec.json.encode(card))
    return str(folder)
