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
    """Facts that are alike, with slots for their numbers, tasks and ages, those of one number together.

    "took 3 hints on a task (“Sums”, today; 2 days ago), 1 hint (9 days ago)", "gave up on a task (today, 2 days ago)"
    """
    first = facts[0]
    if first.is_indicator:
        return first.text
    by_number: dict[str | None, list[AskedFact]] = {}
    for fact in facts:
        by_number.setdefault(fact.number, []).append(fact)
    of_first, *others = by_number.values()
    more = "".join(f", {{{same[0].id}}} ({_asides(same)})" for same in others)
    return f"{first.text} ({_asides(of_first)}){more}"


def sentence(facts: Sequence[AskedFact]) -> str:
    """The same as a sentence."""
    return f"{capitalised(clause(facts))}."


def _asides(facts: Sequence[AskedFact]) -> str:
    """What stands in brackets, of equal ones the first."""
    asides = list({_filled_aside(fact): _aside(fact) for fact in reversed(facts)}.values())[::-1]
    return ("; " if any(", " in aside for aside in asides) else ", ").join(asides)


def _aside(fact: AskedFact) -> str:
    """Of which task, and when."""
    return ", ".join(f"{{{slot}}}" for slot in _slots_aside(fact))


def _filled_aside(fact: AskedFact) -> tuple[str, ...]:
    return tuple(fact.values[slot] for slot in _slots_aside(fact))


def _slots_aside(fact: AskedFact) -> list[str]:
    return [slot for slot in (f"{fact.id}{TASK_SLOT}", f"{fact.id}.when") if slot in fact.values]
