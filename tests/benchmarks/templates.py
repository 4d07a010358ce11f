"""What templates say: whether both sides are told, nothing comes twice, direction and score agree, and it reads easily.

make bench ONLY=templates
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean
from typing import Final

from schemas.explanation import Explanation, SkillExplanation
from schemas.update import SkillProfile, SkillUpdate
from streams.languages.tables import VAGUE
from streams.reasoning.assembly import assemble
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import DraftClaim
from streams.reasoning.request.prompt import Prompt
from streams.texts.readability import grade
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.classes import StudentClass, oulad_class, pisa_class, simulated_class

NAME: Final = "templates"
STUDENTS: Final = 300
EASY_GRADE: Final = 9.0
_SENTENCE: Final = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
_NAME: Final = re.compile(r"“[^”]*”(?:, )?")
"""A task's name: a platform's words, and no part of how hard a sentence is."""
_SIDES: Final = {"emerging": "down", "proficient": "up"}


@dataclass
class Told:
    """Counts over all students of some classes; `graded` has each sentence's grade, `lengths` how many a skill has."""

    explanations: int = 0
    repeating: int = 0
    facts: int = 0
    vague: int = 0
    clear: int = 0
    agreeing: int = 0
    low: int = 0
    low_one_sided: int = 0
    low_unsaid: int = 0
    graded: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def take(self, update: SkillUpdate, prompt: Prompt) -> None:
        """Count what the template says of one student."""
        question = prompt.question(update)
        draft = template.draft_of(question.skills)
        explanation = assemble(update, question, draft, "template", template.TEMPLATE_VERSION, update.as_of)
        sentences = list(_sentences(explanation))
        self.explanations += 1
        self.repeating += len(set(sentences)) < len(sentences)
        self.graded += [grade(_NAME.sub("", sentence)) for sentence in sentences]
        claims = {drafted.skill: drafted.claims for drafted in draft.skills}
        for skill in explanation.skills:
            self.facts += len(skill.facts)
            self.vague += sum(fact.text == VAGUE for fact in skill.facts)
            if skill.claims:
                self.lengths.append(len(list(_of_skill(skill))))
                self._take_skill(update, skill.skill, claims[skill.skill])

    def _take_skill(self, update: SkillUpdate, name: str, claims: list[DraftClaim]) -> None:
        """Count a score that is low or high: its first claim with a side has the score's, or says that it has not."""
        known = update.skills[name]
        side = None if isinstance(known, SkillProfile) else _SIDES.get(known.level)
        sided = [claim for claim in claims if claim.direction != "neither"]
        if side is None or not sided:
            return
        says_so = any("yet the score is" in claim.text for claim in sided)
        self.clear += 1
        self.agreeing += sided[0].direction == side or says_so
        if side == "down":
            one_sided = all(claim.direction == "up" for claim in sided)
            self.low += 1
            self.low_one_sided += one_sided
            self.low_unsaid += one_sided and not says_so


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Of a simulated class, and of STUDENTS of PISA and of the Open University where the data are at hand."""
    classes = [simulated_class(), pisa_class(STUDENTS), oulad_class(STUDENTS)]
    told = Told()
    for each in classes:
        if each is None:
            sys.stderr.write(f"  {NAME}  a class of real data is not here\n")
        else:
            _take(told, each)
    at_least = {bound: Target("at least", bound, of="value") for bound in (95, 98)}
    none, few = Target("at most", 0, of="value"), Target("at most", 5, of="value")
    lows, facts, explained = f"% of {told.low} low", f"% of {told.facts} facts", f"% of {told.explanations}"
    in_length = sum(2 <= length <= 4 for length in told.lengths)
    return [
        rounds.figure(f"{NAME}.low_for_alone", lows, [_percent(told.low_one_sided, told.low)]),
        rounds.figure(f"{NAME}.low_for_unsaid", lows, [_percent(told.low_unsaid, told.low)], target=none),
        rounds.figure(f"{NAME}.repeating", explained, [_percent(told.repeating, told.explanations)], target=none),
        rounds.figure(f"{NAME}.vague", facts, [_percent(told.vague, told.facts)], target=few),
        rounds.figure(
            f"{NAME}.agreeing", f"% of {told.clear}", [_percent(told.agreeing, told.clear)], target=at_least[98]
        ),
        rounds.figure(
            f"{NAME}.easy",
            f"% of {len(told.graded)} sentences",
            [_percent(sum(each <= EASY_GRADE for each in told.graded), len(told.graded))],
            target=at_least[95],
        ),
        rounds.figure(f"{NAME}.sentences", "a skill", [mean(told.lengths)]),
        rounds.figure(
            f"{NAME}.two_to_four", f"% of {len(told.lengths)} skills", [_percent(in_length, len(told.lengths))]
        ),
    ]


def _take(told: Told, students: StudentClass) -> None:
    prompt = Prompt(students.skill_set)
    for update in students.updates:
        told.take(update, prompt)


def _sentences(explanation: Explanation) -> Iterator[str]:
    yield from _SENTENCE.split(explanation.summary)
    for skill in explanation.skills:
        yield from _of_skill(skill)
        if isinstance(skill.suggestion, str):
            yield from _SENTENCE.split(skill.suggestion)


def _of_skill(skill: SkillExplanation) -> Iterator[str]:
    """What is said of a skill, without what to try."""
    for text in (*(claim.text for claim in skill.claims), skill.conflict, skill.certainty):
        if isinstance(text, str):
            yield from _SENTENCE.split(text)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
