"""Training by answers: the part of `skillstream train` that needs no labels."""

import asyncio
from collections.abc import Iterable
from typing import Final

from agents.cli.stages import stage, steps
from schemas.dialects import Decode, Record
from streams.pipeline import Pipeline
from streams.skills.skill_set import SkillSet
from streams.training.errors import TrainingError
from streams.training.mastery.collection import Collection
from streams.training.mastery.trainer import SOURCE, MasteryPlan, train_mastery
from streams.training.mastery.walk import Histories, walk
from streams.training.norm_timeline import NormPlan, norms_over
from streams.training.trainer import Plan, Trained

_ALL: Final = 2**31


def mastery_skill(skill_set: SkillSet) -> str | None:
    """The skill that is scored by knowledge components; None of a skill set that has none.

    Raises TrainingError for several.
    """
    found = [name for name, skill in skill_set.skills.items() if skill.weights.get(SOURCE, 0) > 0]
    if len(found) > 1:
        raise TrainingError(f"{skill_set.name}: {' and '.join(found)} are scored by {SOURCE}; there may be one")
    return found[0] if found else None


def train_by_answers(
    records: Iterable[Record], plan: Plan, decode: Decode, folding: Pipeline, norms: NormPlan | None = None
) -> tuple[Trained, dict[str, int]]:
    """What is to be saved, and counts of what was read; `folding` takes EventRecords. With `norms` the bank is empty.

    Raises TrainingError where there is nothing to learn from.
    """
    skill = mastery_skill(plan.skill_set)
    assert skill is not None
    configured = plan.skill_set.skills[skill].weights
    with stage("reading events"):
        histories = Histories.of(records, decode)
    collection = Collection([history.student for history in histories.of_students])
    asyncio.run(_collect(histories, collection, folding))
    answers, timeline = collection.answers(), None
    if norms is not None:
        with stage("learning norms"):
            timeline = asyncio.run(norms_over(histories.events(), folding, norms))
    with stage(f"fitting {len(answers):,} answers to {len(answers.items):,} items"):
        card, banks = train_mastery(
            answers,
            collection.moments(),
            MasteryPlan(
                name=plan.name,
                skill=skill,
                weights={source: configured.get(source, 0.0) for source in plan.skill_set.source_names},
                folds=plan.folds,
                seed=plan.seed,
                groups=plan.groups,
            ),
            timeline,
        )
    counts = {
        "events": histories.records,
        "unreadable": histories.unreadable,
        "answers": len(answers),
        "items": len(answers.items),
        "components": len(answers.components),
    }
    return Trained(card, banks), counts


async def _collect(histories: Histories, collection: Collection, folding: Pipeline) -> None:
    with steps("folding answers") as progress:
        async for each in walk(histories, folding, _ALL, progress):
            collection.take(each)
