"""Norms, as people and programs read them."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from agents.display.plain import printable
from agents.norms.snapshot_log import WrittenSnapshot
from agents.operations.norms import ShownNorm


def norms_table(lines: Iterable[ShownNorm]) -> Table:
    """A row a norm."""
    table = Table("", "name", "students", "right", "odd", "since")
    for line in lines:
        right = "" if line.right is None else f"{line.right:.0%}"
        odd = ", ".join(line.odd)
        table.add_row(line.kind, printable(line.name), str(line.students), right, odd, str(line.since))
    return table


def history_row(written: WrittenSnapshot) -> dict[str, Any]:
    """One snapshot, for JSON."""
    manifest = written.manifest
    return {
        "number": manifest.number,
        "norms_version": manifest.norms_version,
        "clock": manifest.clock.isoformat(),
        "items": manifest.items,
        "components": manifest.components,
        "cohorts": manifest.cohorts,
        "size_bytes": manifest.size_bytes,
        "offsets": [list(each) for each in manifest.offsets],
    }


def snapshots_table(written: Sequence[WrittenSnapshot]) -> Table:
    """A row a snapshot."""
    table = Table("number", "norms_version", "records up to", "items", "components", "cohorts", "bytes")
    for row in map(history_row, written):
        counts = (f"{row[name]:,}" for name in ("items", "components", "cohorts", "size_bytes"))
        table.add_row(str(row["number"]), row["norms_version"], row["clock"][:16], *counts)
    return table
