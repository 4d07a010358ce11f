"""`skillstream explain`: one student's explanation, with the facts, the prompt, the answers and each check."""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from agents.cli.options import broker_option, config_option
from agents.cli.outcome import OUT_OF_REACH, OutOfReach
from agents.display.plain import printable

if TYPE_CHECKING:
    from agents.config.settings import Settings
    from schemas.update import SkillUpdate
    from streams.skills.skill_set import SkillSet

MOST_WAIT_S = 60.0


def checked_student(_context: click.Context, _parameter: click.Parameter, student: str) -> str:
    """The key of a student's events, that is text. Raises BadParameter."""
    try:
        student.encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter("is no UTF-8") from error
    if not student:
        raise click.BadParameter("is empty: it is the key of a student's events")
    return student


def student_asked_for(settings: "Settings", asked: str) -> str:
    """The student who is asked about by any id; said where that is another one. Blocks. Raises BrokerUnavailable,
    TopicForbidden.
    """
    from agents.operations.identities import named_student

    student = named_student(settings, asked)
    if student != asked:
        click.echo(f"{printable(asked)} is another id of {printable(student)}", err=True)
    return student


@click.command(name="explain")
@click.argument("student", callback=checked_student)
@config_option
@broker_option
@click.option("--dry-run", is_flag=True, help="Ask no model: show the facts, the prompt, and what the template says.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(student: str, config: str | None, broker: str | None, dry_run: bool, as_json: bool) -> None:
    """Explain STUDENT's newest update as a worker would, and show how: facts, prompt, answers, checks, tokens, cost.

    All its skills are asked about, within the limits and the money that all workers share. Nothing is published.
    Exit code 3 where a model was to be asked and there is no explanation.
    """
    from agents.cli.explain_page import explanation_page
    from agents.config.settings import load_settings, require_secrets
    from agents.kafka.resolving import warn_of_unresolved
    from agents.operations.explanation import newest_update
    from streams.skills.skills_file import load_skills

    settings = load_settings(os.environ, config, broker=broker, **({"reasoning": "off"} if dry_run else {}))
    if not dry_run:
        require_secrets(settings)
        if settings.reasoning == "off":
            raise click.UsageError("SKILLSTREAM_REASONING is off: use --dry-run, or set it to scripted or openai")
    skill_set = load_skills(settings.skills)
    warn_of_unresolved(settings.broker, settings.start_timeout_s)
    named = student_asked_for(settings, student)
    update = newest_update(settings, named)
    if update is None:
        raise OutOfReach(f"nothing is published of {printable(named)}: is that the key of their events?")
    report = asyncio.run(_report(settings, skill_set, update, dry_run=dry_run))
    click.echo(orjson.dumps(report) if as_json else explanation_page(report))
    if report["explanation"] is None:
        sys.exit(OUT_OF_REACH)


async def _report(
    settings: "Settings", skill_set: "SkillSet", update: "SkillUpdate", *, dry_run: bool
) -> dict[str, Any]:
    from agents.operations.explanation import an_explainer, explained
    from agents.operations.explanation_report import asked_of, exchanges_of, templated
    from streams.limits import LimitUnavailable, RateLimitExceeded

    report = asked_of(settings, skill_set, update)
    if dry_run:
        return report | {"answers": [], "explanation": msgspec.to_builtins(templated(settings, skill_set, update))}
    async with an_explainer(settings, skill_set, ignored) as (explainer, model):
        try:
            try:
                explanation = await explained(explainer, update)
            except RateLimitExceeded as spent:
                if spent.retry_after_s > MOST_WAIT_S:
                    raise
                click.echo(f"The next call may be made in {spent.retry_after_s:.0f} s: waiting", err=True)
                await asyncio.sleep(spent.retry_after_s)
                explanation = await explained(explainer, update)
        except LimitUnavailable as error:
            raise OutOfReach(f"{_beyond_reach(settings, error)}. --dry-run needs no limit") from error
        trouble = explainer.trouble or next((each.failure for each in reversed(model.exchanges) if each.failure), None)
    return report | {
        "answers": exchanges_of(model.exchanges),
        "explanation": None if explanation is None else msgspec.to_builtins(explanation),
        "trouble": trouble,
    }


def _beyond_reach(settings: "Settings", error: Exception) -> str:
    from agents.reasoning.setup import redis_address

    if settings.redis_url is None:
        return str(error)
    where = redis_address(settings.redis_url)
    return f"Redis is away, at {where}, with the limits that all workers share: only a worker has a part of its own"


def ignored(_line: str) -> None:
    """The report says it."""
