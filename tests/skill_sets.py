"""Skill sets of any size: the default skills, and topics that each have one phrase of their own."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from streams.skills.skill_set import SkillSet
from streams.vocabulary import FACTS

_DEFAULT: Final = (files("streams") / "config" / "default.toml").read_text(encoding="utf-8")
_DEFAULT_SKILLS: Final = len(tomllib.loads(_DEFAULT)["skills"])


def topic(number: int) -> str:
    """The name of a topic's skill."""
    return f"topic_{number:02}"


def phrase(number: int) -> str:
    """The phrase that speaks for a topic; nothing but it and ratings does."""
    return f"mastered topic{number:02}"


def topics_of(skills: int) -> range:
    """The topics of a skill set of so many skills."""
    return range(skills - _DEFAULT_SKILLS)


def skills_file(skills: int) -> str:
    """A skills file of the default skills and as many topics as are missing to `skills`; every fact may occur."""
    topics = (
        f'[skills.{topic(number)}]\ndefinition = "Topic {number}."\nbasis = "a phrase for a test"\n'
        f'weights = {{ language = 1.0, behaviour = 1.0 }}\nlexicon = {{ "{phrase(number)}" = 1.0 }}\n'
        for number in topics_of(skills)
    )
    return "\n".join([_DEFAULT, *topics, f"[platforms]\nlms = {list(FACTS)}\n"])


@cache
def skill_set_of(skills: int) -> SkillSet:
    """The same, loaded."""
    return msgspec.convert(tomllib.loads(skills_file(skills)), SkillSet)
