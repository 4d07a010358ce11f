"""`skillstream train` without labels: of skills that name an outcome, from what came later in the history itself."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from agents.config.settings import Settings
from schemas.dialects import Decode, Record
from streams.skills.skill_set import Outcome
from streams.training.norm_timeline import NormTimeline
from streams.training.outcomes import OutcomePlan, outcome_moments, with_outcomes
from streams.training.trainer import Plan, Trained, train


@dataclass(frozen=True, slots=True)
class RereadEvents:
    """Events from the first on, each time that `records` is called, and how they are decoded."""

    records: Callable[[], Iterator[Record]]
    decode: Decode
    reporting: Decode


def train_by_outcomes(
    history: RereadEvents, plan: Plan, settings: Settings, moments: OutcomePlan, norms: NormTimeline
) -> tuple[Trained, dict[str, int]]:
    """The artifact, learnt under `norms`, and counts for its summary. What cannot be read is reported once.

    A skill whose outcome these events do not tell, or tell too little of, is left out: the card says why. Raises
    TrainingError where no skill is left.
    """
    decodes = iter((history.reporting, history.decode))
    states, account = asyncio.run(
        outcome_moments(
            history.records,
            plan.skill_set,
            moments,
            lambda: next(decodes),
            known_ids=settings.known_ids,
            components=settings.components_per_student,
        )
    )
    outcomes = with_outcomes(plan.skill_set)
    seen = {state.label.skill for state in states}
    unseen = {skill: unseen_outcome(outcome) for skill, outcome in outcomes.items() if skill not in seen}
    source = "; ".join(f"{skill}: later {outcome_terms(outcome)}" for skill, outcome in outcomes.items())
    plan = replace(plan, labels_source=f"what came later in the history itself ({source})", platforms=account.platforms)
    trained = train(norms.of(states), plan, left_out=unseen)
    return trained, {"events": account.records, "unreadable": account.unreadable, "moments": len(states)}


def unseen_outcome(outcome: Outcome) -> str:
    """Why there is no label of it."""
    return (
        f"the events tell no outcome ({outcome_terms(outcome)}): nobody has enough of it after a moment. "
        "Send what it counts"
    )


def outcome_terms(outcome: Outcome) -> str:
    """As `early.n of early.n + missed.n`."""
    return f"{' + '.join(outcome.numerator)} of {' + '.join(outcome.denominator)}"
