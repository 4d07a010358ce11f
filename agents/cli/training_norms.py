"""The norms that `skillstream train` learns under, where a model is to compare students with their cohort."""

import asyncio

import click

from agents.cli.console import stderr
from agents.cli.training_options import TrainingOptions
from agents.config.dialects import decoder_of
from agents.config.settings import Settings
from streams.event_record import event_pipeline
from streams.evidence.features import NORM_FEATURES
from streams.training.classifier import matching
from streams.training.dated import dated_events
from streams.training.norm_timeline import NO_TIMELINE, NormTimeline, norms_over
from streams.training.trainer import Plan


def norms_of_training(options: TrainingOptions, settings: Settings, plan: Plan) -> NormTimeline:
    """What was in force when; nothing where no input is against norms. Raises TrainingError as `matching` does."""
    if set(NORM_FEATURES).isdisjoint(matching(plan.inputs)):
        return NO_TIMELINE
    norms = options.norm_plan(settings)
    if not norms.every_us:
        raise click.UsageError("--inputs names features against norms: --norms-every may not be 0")
    folding = event_pipeline(plan.skill_set, settings.known_ids, settings.components_per_student)
    events = dated_events(options.records(), decoder_of(settings))
    with stderr.status("learning norms"):
        return asyncio.run(norms_over(events, folding, norms))
