"""Where what is known of a skill points both ways, in a sentence: nobody should have to find that out."""

from collections.abc import Sequence
from typing import Final

from schemas.update import KnownSkill, SkillProfile, SkillScore
from streams.languages.language import Language
from streams.reasoning.request.prompt import AskedFact
from streams.reasoning.request.wording import MIN_TREND
from streams.reasoning.statements.choice import contradicts

MIN_PULL: Final = 0.2
"""Log-odds by which a source pulls noticeably: 0.05 of a score of one half."""


def conflict_of(name: str, known: KnownSkill, facts: Sequence[AskedFact], language: Language) -> str | None:
    """The conflict that matters most, or None. Of a score: its sources, or it and all its `facts`; of a profile: what
    changed of late, or what was done and what was written.
    """
    pattern = _of_profile(facts, language) if isinstance(known, SkillProfile) else _of_score(known, facts, language)
    return None if pattern is None else pattern.replace("{skill}", language.skill(name))


def _of_score(known: SkillScore, facts: Sequence[AskedFact], language: Language) -> str | None:
    if known.level == "unknown":
        return None
    says = language.tables.sentences
    pulls = {source: part.added for source, part in known.contributions.items() if abs(part.added) >= MIN_PULL}
    if pulls and min(pulls.values()) < 0 < max(pulls.values()):
        up, down = (language.source(chosen(pulls, key=lambda source: pulls[source])) for chosen in (max, min))
        return says.sources_differ.replace("{up}", up).replace("{down}", down)
    return says.counts_all if contradicts(known.level, {fact.direction for fact in facts} - {"neither"}) else None


def _of_profile(facts: Sequence[AskedFact], language: Language) -> str | None:
    grew = [fact.grew for fact in facts if abs(fact.grew) >= MIN_TREND]
    if grew and min(grew) < 0 < max(grew):
        return language.tables.sentences.trends_differ
    written = sum(fact.leaning for fact in facts if fact.is_phrase)
    done = sum(fact.leaning for fact in facts if not fact.is_phrase)
    return language.tables.sentences.deeds_and_words_differ if written * done < 0 else None
