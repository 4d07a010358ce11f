"""Facts as a part of a sentence: those that are alike together, each with its number and age."""

from collections.abc import Iterable, Sequence

from streams.languages.language import capitalised
from streams.reasoning.request.prompt import AskedFact


def alike(facts: Iterable[AskedFact]) -> list[list[AskedFact]]:
    """Facts of one kind and direction together, in the order of the first of each."""
    groups: dict[tuple[str, str], list[AskedFact]] = {}
    for fact in facts:
        groups.setdefault((fact.text.replace(f"{{{fact.id}}}", "{}"), fact.direction), []).append(fact)
    return list(groups.values())


def clause(facts: Sequence[AskedFact]) -> str:
    """Facts that are alike, with slots for their numbers and ages.

    "took 3 hints on a task (today), 1 hint (2 days ago)", "gave up on a task (today, 2 days ago)"
    """
    first = facts[0]
    first_of = {_numbers(fact): fact for fact in reversed(facts)}  # of equal ones the first
    others = [fact for fact in facts[1:] if first_of[_numbers(fact)] is fact]
    if first.is_indicator:
        return first.text
    if first.number:
        more = "".join(f", {{{fact.id}}} ({{{fact.id}.when}})" for fact in others)
        return f"{first.text} ({{{first.id}.when}}){more}"
    return f"{first.text} ({', '.join(f'{{{fact.id}.when}}' for fact in (first, *others))})"


def sentence(facts: Sequence[AskedFact]) -> str:
    """The same as a sentence."""
    return f"{capitalised(clause(facts))}."


def _numbers(fact: AskedFact) -> tuple[str | None, str | None]:
    """The number and age that a sentence has of a fact."""
    return fact.number, fact.values.get(f"{fact.id}.when")
