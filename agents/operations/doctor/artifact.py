"""The model artifact."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import skops.io  # noqa: F401 - takes seconds, and is wanted before the time for asking begins to run

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok, warning
from schemas.errors import SkillstreamError
from streams.evidence.artifacts import NO_ARTIFACT, Artifact, load_artifact
from streams.skills.skill_set import load_skills

_TRAINER: Final = "scikit-learn"


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """Implements Check: the artifact loads, and was trained for what is run here."""

    settings: Settings
    name: str = "artifact"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises ArtifactError."""
        artifact = load_artifact(self.settings.model)
        if artifact is NO_ARTIFACT:
            yield ok("none: scores come from the other sources")
            return
        found = [*self._wrong_skills(artifact), *_wrong_trainer(artifact)]
        yield from found
        if not found:
            models = (
                f"{skill} ({card.examples} examples: {card.labels})" for skill, card in artifact.card.skills.items()
            )
            yield ok(f"{artifact.id}, models of {', '.join(models)}")

    def _wrong_skills(self, artifact: Artifact) -> Iterator[Finding]:
        try:
            skill_set = load_skills(self.settings.skills)
        except SkillstreamError:
            return  # the check of the skills says it
        skills = skill_set.skills
        unused = sorted(artifact.models.keys() - skills.keys())
        if unused:
            yield warning(
                f"{artifact.id} has models of {', '.join(unused)}, which are no skills of SKILLSTREAM_SKILLS",
                "set SKILLSTREAM_SKILLS and SKILLSTREAM_MODEL to what belongs together",
            )
        for name in sorted(artifact.models.keys() & skills.keys()):
            fit = artifact.card.skills[name].fusion
            unknown = set(skill_set.source_names) - fit.weights.keys() if fit else ()
            if unknown:
                yield warning(
                    f"{artifact.id} was fitted for {name} without {', '.join(sorted(unknown))}: the skills file's "
                    "weight is used, and no intercept allows for it",
                    "train it again with `skillstream train` and these skills",
                )
            if isinstance(skills[name].basis, str):
                yield warning(
                    f"{name} has one `basis` for all: updates quote it where its model says nothing of a student, too",
                    'give it by source, as in basis = { model = "…", behaviour = "…" }',
                )


def _wrong_trainer(artifact: Artifact) -> Iterator[Finding]:
    trained, installed = artifact.card.trained_with.get(_TRAINER, "an unknown version"), version(_TRAINER)
    if trained != installed:
        yield warning(
            f"{artifact.id} was trained with {_TRAINER} {trained}, {installed} is installed: scores may differ",
            f"train it again with `skillstream train`, or install {_TRAINER} {trained}",
        )
