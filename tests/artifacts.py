"""Artifacts for tests that are about something else than who a model speaks of: they stay as they are when the shipped
ones are trained again.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from streams.evidence.artifacts import Artifact, FusionFit, load_artifact, save_artifact

MODELLED: Final = "problem_solving"
"""The skill that the artifact has a model of."""


@cache
def of_a_former_trainer() -> Artifact:
    """The default model with a card that does not say what it was trained on: it speaks of whoever worked in a
    simulation, whatever else they did, and each source has a weight beside it.
    """
    shipped = load_artifact("default")
    fusion = FusionFit(
        weights={"model": 1.0, "language": 0.4, "behaviour": 1.5}, intercepts={}, kappa={"model": 0.0, "behaviour": 0.0}
    )
    card = msgspec.structs.replace(shipped.card.skills[MODELLED], trained_on=None, indicators={}, fusion=fusion)
    return replace(shipped, card=msgspec.structs.replace(shipped.card, platforms={}, skills={MODELLED: card}))


def stored_of_a_former_trainer(folder: Path) -> Path:
    """The same in `folder`, for what names its artifact."""
    artifact = of_a_former_trainer()
    save_artifact(folder, artifact.card, artifact.models)
    return folder
