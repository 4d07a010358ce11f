"""One fact, as it is told to a model and to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from streams.reasoning.request.slots import filled
from streams.reasoning.request.wording import ChangeWay
from streams.vocabulary import PHRASE_PREFIX

Direction = Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class AskedFact:
    """One evidence item or indicator, in words with slots, and what fills them: "took {e1} on a task".

    An evidence item may have an `{e1.task}`, an indicator has no `{e1.when}`; one of what was counted since the last
    explanation has an `{e1.since}`. `about` are the keys of the facts that it tells of; `way` says whether it tells
    of something that was done more often, or less.

    The rest is for the template alone: no request has it. `leaning` is 1 where the fact speaks for the skill, -1 where
    against, 0 where neither, of a profile, too. `vague`: it says next to nothing, as a phrase of which nobody said what
    it means. `weightless`: it describes, and speaks neither for nor against a skill. `grew` is how far its rate moved
    of late, or since, in favour of the skill.
    """

    id: str
    text: str
    values: Mapping[str, str]
    direction: Direction
    about: tuple[str, ...]
    way: ChangeWay | None = None
    leaning: int = 0
    vague: bool = False
    weightless: bool = False
    grew: float = 0.0

    @property
    def is_indicator(self) -> bool:
        """Whether it is one: what was counted, without a time of its own."""
        return f"{self.id}.when" not in self.values

    @property
    def is_change(self) -> bool:
        """Whether it tells what was counted since the last explanation."""
        return f"{self.id}.since" in self.values

    @property
    def is_phrase(self) -> bool:
        """Whether it tells of something that was written."""
        return self.about[:1] != () and self.about[0].startswith(PHRASE_PREFIX)

    @property
    def is_configured(self) -> bool:
        """Whether its words are those of the skills file: of an indicator, or of what a phrase means."""
        return self.is_indicator or self.is_phrase

    @property
    def number(self) -> str | None:
        """Its number with all that belongs to it, if it has one."""
        return self.values.get(self.id)

    @property
    def in_full(self) -> str:
        """Its words with its number."""
        return filled(self.text, self.values)
