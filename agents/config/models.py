"""The model artifact that settings name."""

from typing import Protocol

from streams.evidence.artifacts import Artifact, load_artifact


class NamesModel(Protocol):
    """Settings, or what a process of ours was told of them."""

    @property
    def model(self) -> str:
        """The folder, or the name of a built-in one."""

    @property
    def model_signers(self) -> tuple[str, ...]:
        """Public keys; none: whoever's artifact is read."""


def artifact_of(settings: NamesModel) -> Artifact:
    """Loaded, and signed by one of the signers where there are any. Raises ArtifactError."""
    if not settings.model_signers:
        return load_artifact(settings.model)
    from streams.evidence.signed_artifacts import Signers  # loads cryptography

    return load_artifact(settings.model, Signers.of(settings.model_signers).check)
