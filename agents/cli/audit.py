"""`skillstream audit`: who read, exported, replayed, erased or changed what, and whether nothing of it is missing."""

import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click
import msgspec
import orjson

from agents.audit.stored import StoredAuditTrail
from agents.audit.verification import ChainFault, ChainVerification
from agents.cli.audit_page import acts_table, verdict_of
from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import print_prose
from agents.cli.explain import checked_student
from agents.cli.fitted_table import print_fitted
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import CHECK_FAILED
from agents.cli.parameters import Since
from agents.operations.identities import keys_of_student
from schemas.audit import AuditRecord, NewestRecord, read_audit_record
from schemas.errors import InvalidInput

_ROWS: Final = 50
_MOST_FAULTS: Final = 1_000
_ANCHOR: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class _Anchor(click.ParamType):
    name = "offset:sha256"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NewestRecord:
        """As `--verify` prints it."""
        found = _ANCHOR.fullmatch(str(value))
        if found is None:
            self.fail("is not OFFSET:SHA256, as --verify prints it", param, ctx)
        return NewestRecord(int(found[1]), found[2])


def _checked(context: click.Context, parameter: click.Parameter, student: str | None) -> str | None:
    return None if student is None else checked_student(context, parameter, student)


@click.command(name="audit")
@config_option
@broker_option
@click.option("--verify", is_flag=True, help="Follow each writer's chain; say where one is broken. Exit code 1 then.")
@click.option("--anchor", type=_Anchor(), help="With --verify: a record that must be there, as --verify printed it.")
@click.option("--since", type=Since(), help="Only acts since: 30m, 2h, 7d ago, or a time.")
@click.option("--action", "actions", multiple=True, help="Only these: read_scores, export, …; give it again for more.")
@click.option("--about", callback=_checked, metavar="STUDENT", help="Only acts about this student, by any id.")
@click.option("--limit", type=click.IntRange(0), help=f"So many, the newest.  [default: {_ROWS}; with --json all]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object an act, or one verdict.")
def command(
    config: str | None,
    broker: str | None,
    verify: bool,
    anchor: NewestRecord | None,
    since: datetime | None,
    actions: tuple[str, ...],
    about: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show the audit trail: who did what, when, about whom, with which outcome. Nobody is named in it.

    With --verify, whether records were changed, removed, put between or put elsewhere.
    """
    if anchor is not None and not verify:
        raise click.UsageError("--anchor is for --verify")
    settings = load_broker_settings(config, broker)
    with StoredAuditTrail(settings) as trail:
        if verify:
            _verify(trail, anchor, as_json=as_json)
            return
        pseudonyms: frozenset[str] | None = None
        if about is not None:
            keys = keys_of_student(settings, about) if settings.identities_mb else (about,)
            pseudonyms = frozenset().union(*map(trail.keyring.pseudonyms, keys))
        found = _chosen(trail, since, frozenset(actions), pseudonyms)
        if as_json:
            for offset, record in found if limit is None else deque(found, limit):
                click.echo(orjson.dumps({"offset": offset, **msgspec.to_builtins(record)}))
            return
        shown = deque(found, _ROWS if limit is None else limit)
    print_fitted(acts_table(record for _, record in shown))


def _chosen(
    trail: StoredAuditTrail, since: datetime | None, actions: frozenset[str], pseudonyms: frozenset[str] | None
) -> Iterator[tuple[int, AuditRecord]]:
    """Acts by their offsets. What is no record of the trail is left to --verify."""
    for stored in trail:
        try:
            record = read_audit_record(stored.value or b"")
        except InvalidInput:
            continue
        is_late_enough = since is None or record.at >= since
        is_about = pseudonyms is None or not pseudonyms.isdisjoint(record.about)
        if is_late_enough and is_about and (not actions or record.action in actions):
            yield stored.offset, record


def _verify(trail: StoredAuditTrail, anchor: NewestRecord | None, *, as_json: bool) -> None:
    verification = ChainVerification(trail.first_offset)
    faults: list[ChainFault] = []
    count = 0
    for fault in _faults(trail, verification, anchor):
        count += 1
        if count <= _MOST_FAULTS:
            faults.append(fault)
    if as_json:
        shown = {"faults": [asdict(fault) for fault in faults], "fault_count": count}
        click.echo(orjson.dumps(verdict_of(verification, trail.keyring.lacking) | shown))
    else:
        _print(verification, faults, count, trail.keyring.lacking)
    if count:
        sys.exit(CHECK_FAILED)


def _faults(
    trail: StoredAuditTrail, verification: ChainVerification, anchor: NewestRecord | None
) -> Iterator[ChainFault]:
    yield from verification.begin()
    for stored in trail:
        yield from verification.add(stored)
    for partition in trail.strays:
        yield ChainFault(0, "inserted", f"partition {partition} has records: nobody of this deployment writes there")
    if anchor is not None and not verification.has(anchor):
        yield ChainFault(anchor.offset, "missing", "the record of --anchor is not there any more, or is another")


def _print(verification: ChainVerification, faults: list[ChainFault], count: int, lacking: str) -> None:
    for fault in faults:
        of = f", writer {fault.writer[:8]}" if fault.writer else ""
        print_prose(f"offset {fault.offset}{of}: {fault.kind}: {fault.what}")
    if count > len(faults):
        print_prose(f"{count - len(faults):,} more")
    if lacking:
        print_prose(f"Signatures were not judged: {lacking}")
    broken = sum(1 for chain in verification.chains.values() if chain.faults)
    found = f"{count:,} faults, {broken:,} chains are broken" if count else "each chain is whole"
    print_prose(f"records: {verification.records:,}, writers: {len(verification.chains):,}; {found}.")
    if verification.newest is not None:
        newest = f"{verification.newest.offset}:{verification.newest.sha256}"
        print_prose("An end that was cut off shows only by a later record: keep this elsewhere, and give it next time.")
        print_prose(f"--anchor {newest}")
