"""Facts as a part of a sentence: those that are alike together, each with its number and age."""

from collections.abc import Iterable, Sequence

from streams.languages.language import capitalised
from streams.reasoning.request.prompt import AskedFact
from streams.reasoning.request.tasks import TASK_SLOT


def alike(facts: Iterable[AskedFact]) -> list[list[AskedFact]]:
    """Facts of one kind and direction together, in the order of the first of each."""
    groups: dict[tuple[str, str], list[AskedFact]] = {}
    for fact in facts:
        groups.setdefault((fact.text.replace(f"{{{fact.id}}}", "{}"), fact.direction), []).append(fact)
    return list(groups.values())


def clause(facts: Sequence[AskedFact]) -> str:
    """Facts that are alike, with slots for their numbers, tasks and ages.

    "took 3 hints on a task (“Sums”, today), 1 hint (2 days ago)", "gave up on a task (today, 2 days ago)"
    """
    first = facts[0]
    first_of = {_numbers(fact): fact for fact in reversed(facts)}  # of equal ones the first
    others = [fact for fact in facts[1:] if first_of[_numbers(fact)] is fact]
    if first.is_indicator:
        return first.text
    if first.number:
        more = "".join(f", {{{fact.id}}} ({_aside(fact)})" for fact in others)
        return f"{first.text} ({_aside(first)}){more}"
    asides = [_aside(fact) for fact in (first, *others)]
    return f"{first.text} ({('; ' if any(', ' in aside for aside in asides) else ', ').join(asides)})"


def sentence(facts: Sequence[AskedFact]) -> str:
    """The same as a sentence."""
    return f"{capitalised(clause(facts))}."


def _aside(fact: AskedFact) -> str:
    """What stands in brackets: of which task, and when."""
    slots = (f"{fact.id}{name}" for name in (TASK_SLOT, ".when"))
    return ", ".join(f"{{{slot}}}" for slot in slots if slot in fact.values)


def _numbers(fact: AskedFact) -> tuple[str | None, ...]:
    """The number, task and age that a sentence has of a fact."""
    return fact.number, fact.values.get(f"{fact.id}{TASK_SLOT}"), fact.values.get(f"{fact.id}.when")
