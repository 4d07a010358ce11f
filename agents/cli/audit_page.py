"""The audit trail, as people and programs read it."""

from collections.abc import Iterable
from typing import Any, Final

from rich.table import Table

from agents.audit.verification import ChainVerification
from agents.display.plain import printable
from schemas.audit import AuditRecord

_SHOWN_CHARS: Final = 17
"""Of a pseudonym: its key's id and 8 digits, enough to tell one from another."""


def acts_table(records: Iterable[AuditRecord]) -> Table:
    """A row an act."""
    table = Table("time", "who", "fingerprint", "action", "about", "outcome", "detail")
    for record in records:
        table.add_row(
            record.at.isoformat(timespec="seconds"),
            record.who.role,
            record.who.fingerprint[:_SHOWN_CHARS],
            record.action,
            _about(record.about),
            record.outcome,
            printable(record.detail),
        )
    return table


def verdict_of(verification: ChainVerification, lacking: str) -> dict[str, Any]:
    """For JSON: what was followed, and what would show a cut later."""
    newest = verification.newest
    return {
        "records": verification.records,
        "writers": [
            {
                "writer": chain.writer,
                "records": chain.records,
                "began": chain.began.isoformat(),
                "ended": chain.ended.isoformat(),
                "whole": not chain.faults,
            }
            for chain in verification.chains.values()
        ],
        "signatures": lacking or "judged",
        "anchor": None if newest is None else f"{newest.offset}:{newest.sha256}",
    }


def _about(about: tuple[str, ...]) -> str:
    return about[0][:_SHOWN_CHARS] if len(about) == 1 else f"{len(about)} students" if about else ""
