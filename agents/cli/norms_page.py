"""Norms, as people and programs read them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from agents.display.plain import printable
from agents.norms.snapshot_log import WrittenSnapshot
from agents.operations.norms import ShownNorm


def norms_table(lines: Sequence[ShownNorm]) -> Table:
    """A row a norm; of items with all that is known of them alone."""
    are_items = any(line.kind == "item" for line in lines)
    of_items = ("median", "odd", "component") if are_items else ()
    table = Table("name", "students", "right", "known", "since", *of_items)
    for line in lines:
        cells = (
            printable(line.name),
            f"{line.students:,}",
            _percent(line.right),
            f"{line.known_days} d",
            f"{line.since}",
        )
        component = f"{printable(line.component)} {_percent(line.component_right)}".rstrip() if line.component else ""
        median = "" if line.median_s is None else f"{line.median_s:,.0f} s"
        table.add_row(*cells, *((median, ", ".join(line.odd), component) if are_items else ()))
    return table


def history_row(written: WrittenSnapshot, students: int | None) -> dict[str, Any]:
    """One snapshot, for JSON; `students` None where it cannot be read."""
    manifest = written.manifest
    return {
        "number": manifest.number,
        "norms_version": manifest.norms_version,
        "clock": manifest.clock.isoformat(),
        "students": students,
        "items": manifest.items,
        "components": manifest.components,
        "cohorts": manifest.cohorts,
        "size_bytes": manifest.size_bytes,
        "offsets": [list(each) for each in manifest.offsets],
    }


def snapshots_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """A row a snapshot, of `history_row`s."""
    table = Table("number", "norms_version", "records up to", "students", "items", "components", "cohorts", "bytes")
    for row in rows:
        students = "?" if row["students"] is None else f"{row['students']:,}"
        counts = (f"{row[name]:,}" for name in ("items", "components", "cohorts", "size_bytes"))
        table.add_row(str(row["number"]), row["norms_version"], row["clock"][:16], students, *counts)
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
