"""`skillstream catalogue`: what is the same for every student, as workers published it."""

from collections.abc import Iterator

import click
import msgspec

from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import print_prose
from agents.cli.options import broker_option, config_option
from agents.display.plain import printable
from agents.fusion_config.catalogue import CatalogueTopic
from schemas.catalogue import CataloguedSkill, CatalogueEntry, encode_entry, read_entry


@click.command(name="catalogue")
@click.argument("config_version", required=False)
@config_option
@broker_option
@click.option("--json", "as_json", is_flag=True, help="Print the entries as they are, one a line.")
def command(config_version: str | None, config: str | None, broker: str | None, as_json: bool) -> None:
    """Print the entry of CONFIG_VERSION, which updates name, in words; or all of them, the last one written last."""
    entries = _entries(CatalogueTopic(load_broker_settings(config, broker)))
    if config_version is not None:
        if config_version not in entries:
            there = f"there are {', '.join(entries)}" if entries else "there is none"
            raise click.UsageError(printable(f"skill-catalogue has no entry of {config_version}; {there}."))
        entries = {config_version: entries[config_version]}
    for number, entry in enumerate(entries.values()):
        if as_json:
            click.echo(encode_entry(entry))
            continue
        for line in ("",) * (number > 0) + tuple(lines_of(entry)):
            print_prose(printable(line))


def _entries(topic: CatalogueTopic) -> dict[str, CatalogueEntry]:
    """By their versions. What cannot be read is none of ours, and `verify` misses what it stands for."""
    entries: dict[str, CatalogueEntry] = {}
    for record in topic.read():
        try:
            entry = read_entry(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        entries.pop(entry.config_version, None)
        entries[entry.config_version] = entry
    return entries


def lines_of(entry: CatalogueEntry) -> Iterator[str]:
    """The entry in words."""
    levels = entry.levels
    yield f"{entry.config_version}: skill set {entry.skill_set}, model {entry.model}"
    yield (
        f"levels: developing from {levels.developing:g}, proficient from {levels.proficient:g}; unknown below a "
        f"confidence of {levels.min_confidence:g}"
    )
    for name, skill in entry.skills.items():
        yield f"{name} ({skill.kind}): {skill.definition}"
        yield from (f"  {line}" for line in _lines_of_skill(skill))
    for name, fact in entry.facts.items():
        unit = f" ({fact.unit})" if isinstance(fact.unit, str) else ""
        yield f"fact {name}: {fact.text}{unit}"


def _lines_of_skill(skill: CataloguedSkill) -> Iterator[str]:
    if skill.weights:
        yield "weights: " + ", ".join(f"{source} {weight:g}" for source, weight in skill.weights.items())
    if isinstance(skill.interval, str):
        yield f"low to high: {skill.interval}"
    if (data := skill.trained_on) is not msgspec.UNSET:
        held_out = f"; held out: {data.held_out}" if data.held_out else ""
        yield f"trained on {data.examples} examples of {data.students} students: {data.labels}{held_out}"
    for sources, words in skill.rests_on.items():
        yield f"by {sources or 'no source'}: {words}"
    for indicator, words in skill.indicators.items():
        yield f"{indicator}: {words or 'no words'}"
