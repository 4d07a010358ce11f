"""What `skillstream train` says of the artifact that it made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson
from rich.table import Table

from agents.cli.console import stdout
from agents.display.plain import plain
from streams.evidence.artifacts import Artifact
from streams.texts.text_model import TextModel


def print_artifact(
    artifact: Artifact,
    counts: Mapping[str, int],
    out: Path,
    text_models: Mapping[str, TextModel] | None = None,
    *,
    as_json: bool,
) -> None:
    """Print the card, `counts` of what was read, and the `text_models` beside it, as a table or as one JSON object."""
    size_bytes = sum(path.stat().st_size for path in out.iterdir() if path.is_file())
    summary: dict[str, Any] = {"artifact": artifact.id, "size_bytes": size_bytes, **counts}
    text_models = text_models or {}
    if as_json:
        if text_models:
            summary["text_models"] = {skill: model.card for skill, model in text_models.items()}
        stdout.print(orjson.dumps({**summary, "card": msgspec.to_builtins(artifact.card)}).decode(), soft_wrap=True)
        return
    table = Table("", "", show_header=False, box=None)
    for heading, figure in summary.items():
        table.add_row(heading, str(figure))
    for skill, model in text_models.items():
        table.add_row("", "")
        table.add_row(f"{skill}, text model", f"{model.texts:,} texts of {model.people:,} people")
        for heading, value in model.metrics.items():
            table.add_row(f"  {heading}", f"{value:g}")
    for skill, why in artifact.card.left_out.items():
        table.add_row(f"{skill}, left out", plain(why))
    for skill, card in artifact.card.skills.items():
        table.add_row("", "")
        learnt = "answers" if skill in artifact.banks else "labels"
        inputs = "an item bank" if skill in artifact.banks else f"{len(card.features)} features"
        table.add_row(skill, f"{card.examples:,} {learnt} of {card.students:,} students, {inputs}")
        for heading, value in card.metrics.items():
            table.add_row(f"  {heading}", f"{value:g}")
        if card.fusion:
            table.add_row("  weights", ", ".join(f"{source} {w:g}" for source, w in card.fusion.weights.items()))
    stdout.print(table)
