"""Who makes the predictions that are evaluated.

A maker reads the events, and the labels if it needs any, and returns a Subject for every skill that it can judge:
predictions with what came of them, and, as far as there are any, the same rows by single sources, baselines, and
figures of its own, which are shown by their names beside the others (`streams.evaluation.subject`).
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.cli.outcome import OutOfReach
from agents.cli.stages import say, stage, steps
from agents.cli.train_mastery import mastery_skill
from agents.cli.train_outcomes import unseen_outcome
from schemas.dialects import Decode, Decoded, Record
from streams.evaluation.predictions import EvaluationError
from streams.evaluation.subject import Subject
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact
from streams.skills.skill_set import SkillSet
from streams.training.dated import dated_events
from streams.training.labelled import score_moments, subjects
from streams.training.labels import Label, StudentGroups, read_labels
from streams.training.mastery.evaluation import evaluate_mastery
from streams.training.mastery.walk import Histories
from streams.training.moments import Moment, moments_of
from streams.training.norm_timeline import NO_TIMELINE, NormPlan, norms_over
from streams.training.outcomes import OutcomePlan, outcome_moments, with_outcomes

_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What is to be evaluated. `records` gives the events from the first on, each time that it is called.

    `decode` reports what cannot be read, `quiet` does not: for events that are read again. `note` takes what people
    should know beside the figures. A maker raises EvaluationError where it can judge nothing.
    """

    records: Callable[[], Iterator[Record]]
    labels: Path | None
    skill_set: SkillSet
    artifact: Artifact
    decode: Decode
    quiet: Decode
    known_ids: int
    counts: tuple[int, ...]
    components: int
    groups: StudentGroups
    norms: NormPlan
    seed: int
    note: Callable[[str], None]


Maker = Callable[[EvaluationRequest], Mapping[str, Subject]]


def from_labels(request: EvaluationRequest) -> dict[str, Subject]:
    """Scores at the labels' `as_of`, as a worker would have them."""
    assert request.labels is not None
    labels = _read(request.labels, request.skill_set)
    watched = _Watched(request.decode)
    with stage(f"folding events, students: {len({label.student for label in labels}):,}"):
        states, _ = asyncio.run(
            moments_of(
                request.records(),
                labels,
                request.skill_set,
                counts=request.counts,
                decode=watched.decode,
                known_ids=request.known_ids,
                components=request.components,
            )
        )
    _note_what_is_left_out(request, labels, {state.label for state in states}, watched.newest_us)
    if not states:
        raise EvaluationError("no label has an event by its as_of: are the student ids the same in both files?")
    return _subjects_of(request, states)


def from_outcomes(request: EvaluationRequest) -> dict[str, Subject]:
    """Scores at several moments of each student, and what came later in the events themselves: as `train` has them."""
    outcomes = with_outcomes(request.skill_set)
    if not outcomes:
        raise EvaluationError(
            f"name a file of LABELS: no skill of {request.skill_set.name} names an outcome that EVENTS would tell"
        )
    decodes = iter((request.decode, request.quiet))
    with stage("folding events, and what came later"):
        states, _ = asyncio.run(
            outcome_moments(
                request.records,
                request.skill_set,
                OutcomePlan(request.counts),
                lambda: next(decodes),
                known_ids=request.known_ids,
                components=request.components,
            )
        )
    observable = {state.label.skill for state in states}
    for skill in request.skill_set.names:
        if skill not in outcomes:
            request.note(f"{skill}: names no outcome that EVENTS would tell; judge it by LABELS")
        elif skill not in observable:
            request.note(f"{skill}: {unseen_outcome(outcomes[skill])}")
    if not states:
        raise EvaluationError("; ".join(f"{skill}: {unseen_outcome(each)}" for skill, each in outcomes.items()))
    return _subjects_of(request, states)


def _subjects_of(request: EvaluationRequest, states: Sequence[Moment]) -> dict[str, Subject]:
    if request.artifact.compares_cohorts:
        states = _under_norms(request, states)
    with stage(f"scoring states: {len(states):,}"):
        scored = asyncio.run(score_moments(states, request.skill_set, request.artifact))
    with stage("fitting baselines"):
        return subjects(scored, request.skill_set, request.artifact, request.groups, request.seed)


def _under_norms(request: EvaluationRequest, states: Sequence[Moment]) -> Sequence[Moment]:
    """Each under the norms that were in force then."""
    if not request.norms.every_us:
        request.note("the model compares students with their cohort, but there are no norms: --norms-every is 0")
        return states
    folding = event_pipeline(request.skill_set, request.known_ids, request.components)
    events = dated_events(request.records(), request.quiet)
    with stage("learning norms"):
        return asyncio.run(norms_over(events, folding, request.norms)).of(states)


def from_answers(request: EvaluationRequest) -> dict[str, Subject]:
    """Every answer predicted before it is folded, and the means of those that came later. Needs no labels."""
    if request.labels is not None:
        raise EvaluationError(f"{request.skill_set.name} is judged by the answers among the events: give no LABELS")
    with stage("reading events"):
        histories = Histories.of(request.records(), request.decode)
    folding, norms = event_pipeline(request.skill_set, request.known_ids, request.components), NO_TIMELINE
    if request.norms.every_us:
        with stage("learning norms"):
            norms = asyncio.run(norms_over(histories.events(), folding, request.norms))
    with steps("folding and predicting answers") as progress:
        made = evaluate_mastery(
            histories,
            request.skill_set,
            request.artifact,
            progress=progress,
            known_ids=request.known_ids,
            components=request.components,
            group_of=request.groups.of,
            norms=norms,
        )
        return asyncio.run(made)


def maker_of(request: EvaluationRequest) -> Maker:
    """Who makes the predictions that are asked for."""
    if mastery_skill(request.skill_set) is not None:
        return from_answers
    return from_outcomes if request.labels is None else from_labels


def _read(path: Path, skill_set: SkillSet) -> list[Label]:
    try:
        return read_labels(path, skill_set.names)
    except OSError as error:
        raise OutOfReach(f"{path}: {error.strerror}") from None


def _note_what_is_left_out(
    request: EvaluationRequest, labels: Sequence[Label], judgeable: set[Label], newest_us: int
) -> None:
    without = [label for label in labels if label not in judgeable]
    if without:
        request.note(f"left out, labels without an event of their student by their as_of: {len(without):,}")
        say(f"of them: {', '.join(sorted({label.student for label in without})[:_NAMED])} …")
    late = sum(label.as_of_us > newest_us for label in judgeable)
    if late:
        request.note(f"labels as of a time after the last event of all: {late:,}")
    labelled = {label.skill for label in judgeable}
    for skill in sorted({label.skill for label in labels} - labelled):
        request.note(f"{skill}: none of its labels can be evaluated")
    for skill in sorted(request.artifact.card.skills.keys() - {label.skill for label in labels}):
        known = "there is no label of it" if skill in request.skill_set.names else "the skill set has no such skill"
        request.note(f"{skill}: the artifact has a model of it, but {known}")


@dataclass(slots=True)
class _Watched:
    """Decodes, and notes the time of the newest event."""

    inner: Decode
    newest_us: int = field(default=0)

    def decode(self, record: Record) -> Decoded:
        decoded = self.inner(record)
        for event in decoded.events:
            self.newest_us = max(self.newest_us, int(event.time.timestamp() * 1e6))
        return decoded
