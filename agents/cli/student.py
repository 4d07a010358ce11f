"""`skillstream student`: what is published of one student, with no worker running."""

import click
import msgspec
import orjson

from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import reading_width, stdout
from agents.cli.explain import checked_student, student_asked_for
from agents.cli.options import broker_option, config_option
from agents.cli.student_page import StudentPage
from agents.display.plain import printable
from agents.operations.student import PublishedStudent, published_student
from schemas.errors import SkillstreamError


class StudentNotFound(SkillstreamError):
    """Nothing is published of a student."""


@click.command(name="student")
@click.argument("student", callback=checked_student)
@config_option
@broker_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: update, explanation, catalogue entry.")
def command(student: str, config: str | None, broker: str | None, as_json: bool) -> None:
    """Show what is published of STUDENT: skills with their intervals and evidence, components, the last explanation.

    Read from the broker, by the key of the student's events, or another id that the topic `identities` has; no worker
    needs to run. Exit code 1: there is nothing.
    """
    settings = load_broker_settings(config, broker)
    named = student_asked_for(settings, student)
    found = published_student(settings, named)
    if found is None:
        raise StudentNotFound(
            f"nothing is published of {printable(named)}. STUDENT is the key of the events, to the letter: "
            "docs/dialects.md says how a platform's students are called. Someone erased, or without an event that "
            "tells of a skill, has no update"
        )
    if as_json:
        click.echo(orjson.dumps(_as_document(found)))
        return
    page = StudentPage(found, reading_width(), ascii_only=stdout.options.ascii_only)
    for line in page.lines():
        click.echo(line)


def _as_document(found: PublishedStudent) -> dict[str, object]:
    parts = {"update": found.update, "explanation": found.explanation, "catalogue": found.entry}
    return {name: msgspec.to_builtins(part) for name, part in parts.items()}
