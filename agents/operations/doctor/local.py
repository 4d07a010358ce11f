"""What the settings name on this machine: skills and their sources, mapping, model, folder of the store, pages."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from agents.config.dialects import load_dialects
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.operations.doctor.check import Finding, ok, problem, warning
from agents.stores.folder import StoreFolder, folder_of
from agents.web.access import PageAccess, RoleTokens
from schemas.errors import SkillstreamError
from streams.evidence.artifacts import FORMER_SUFFIX, NO_ARTIFACT, Artifact
from streams.evidence.registry import types_of
from streams.skills.skills_file import load_skills
from streams.skills.sources import BUILT_IN


@dataclass(frozen=True, slots=True)
class Skills:
    """Implements Check."""

    settings: Settings
    name: str = "skills"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises SkillsError, also for a source that is not installed or cannot be loaded."""
        skill_set = load_skills(self.settings.skills)
        kinds = [each for each in types_of(skill_set) if each.name not in BUILT_IN]
        yield ok(f"{skill_set.name}, version {skill_set.config_version}: {', '.join(skill_set.names)}")
        for each in kinds:
            far = ", remote: verify goes by what it said in updates" if each.remote else ""
            yield ok(f"source {each.name}, version {each.version}{far}")


@dataclass(frozen=True, slots=True)
class VerbMapping:
    """Implements Check."""

    settings: Settings
    name: str = "mapping"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises what a worker's start would."""
        load_dialects(self.settings.mapping)
        yield ok(self.settings.mapping or "none: only the verbs of the standards are mapped")


_TRAINER: Final = "scikit-learn"


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """Implements Check: the artifact loads, and was trained for what is run here."""

    settings: Settings
    name: str = "artifact"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Raises ArtifactError."""
        artifact = artifact_of(self.settings)
        if artifact is NO_ARTIFACT:
            yield ok("none: skills are shown as profiles, unless they have a text model or teachers' ratings")
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
        unused = sorted(artifact.card.skills.keys() - skills.keys())
        if unused:
            yield warning(
                f"{artifact.id} has models of {', '.join(unused)}, which are no skills of SKILLSTREAM_SKILLS",
                "set SKILLSTREAM_SKILLS and SKILLSTREAM_MODEL to what belongs together",
            )
        for name in sorted(artifact.card.skills.keys() & skills.keys()):
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
    """Only former models are scored by what is installed."""
    if not any(card.file.endswith(FORMER_SUFFIX) for card in artifact.card.skills.values()):
        return
    trained, installed = artifact.card.trained_with.get(_TRAINER, "an unknown version"), version(_TRAINER)
    if trained != installed:
        yield warning(
            f"{artifact.id} was trained with {_TRAINER} {trained}, {installed} is installed: scores may differ",
            f"train it again with `skillstream train`, or install {_TRAINER} {trained}",
        )


_ROOM_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """Implements Check: the folder of a store on disk can be written, is nobody else's, and has room."""

    settings: Settings
    name: str = "store"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Takes the folder's lock for a moment, where the folder is there. Raises StoreInUse or StoreFailed."""
        settings = self.settings
        if settings.store == "memory":
            yield ok("in memory: the table is restored from the changelog at each start")
            return
        folder = folder_of(settings.store_dir, settings.app_id, settings.instance_id)
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        if there == folder.absolute():
            StoreFolder(folder).close()
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield problem(f"{there} is no folder that can be written", "set SKILLSTREAM_STORE_DIR to one that can")
            return
        free = shutil.disk_usage(there).free
        if free < _ROOM_BYTES:
            yield warning(f"{folder} has {free >> 20} MiB of free space", "make room, or set SKILLSTREAM_STORE_DIR")
        else:
            yield ok(f"{folder} can be written, {free >> 30} GiB are free")


@dataclass(frozen=True, slots=True)
class Pages:
    """Implements Check: the pages may be served, and their address is free."""

    settings: Settings
    name: str = "pages"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Listens for a moment. Raises OpenToNetwork."""
        host, port = self.settings.web_host, self.settings.web_port
        PageAccess(host, RoleTokens.of(self.settings))
        try:
            asyncio.run(_listen(host, port))
        except OSError as error:
            yield problem(
                f"the web pages can't be served at {host}:{port}: {error.strerror or error}",
                "if a worker runs here already, a second one needs another SKILLSTREAM_WEB_PORT (0: any that is free)",
            )
        else:
            yield ok(f"{host}:{port or 'any port'} is free")


async def _listen(host: str, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, backlog=1)
    server.close()
    await server.wait_closed()
