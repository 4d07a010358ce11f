"""The skill set."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok
from streams.skills.skill_set import load_skills


@dataclass(frozen=True, slots=True)
class Skills:
    """Implements Check."""

    settings: Settings
    name: str = "skills"
    decides: bool = True

    def examine(self) -> Iterator[Finding]:
        """Raises SkillsError."""
        skill_set = load_skills(self.settings.skills)
        yield ok(f"{skill_set.name}, version {skill_set.config_version}: {', '.join(skill_set.names)}")
