"""The lines that an operator looks for in a worker's log, each written in one place, with the same facts as fields of
JSON lines.
"""

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from importlib.metadata import version

from agents.config.settings import Settings
from agents.display.plain import plain
from agents.logs import LineHandler
from schemas.attention import AttentionReason
from streams.norms.snapshot import NormSnapshot

_log = logging.getLogger(__name__)


def begins(settings: Settings, *, client: str, model: str, config_version: str) -> None:
    """A worker begins. `config_version` is that of its updates. Warns where the language keeps models out."""
    _log.info(
        "skillstream %s begins: group %s, client %s, broker %s, model %s, config %s, store %s, reasoning %s",
        version("skillstream"),
        settings.app_id,
        client,
        settings.broker,
        model,
        config_version,
        settings.store,
        settings.explained_by,
        extra={
            "version": version("skillstream"),
            "group": settings.app_id,
            "client": client,
            "broker": str(settings.broker),
            "model": model,
            "config_version": config_version,
            "store": settings.store,
            "reasoning": settings.explained_by,
        },
    )
    if settings.explained_by == "templates":
        _log.warning(
            "Explanations are templates, in %s: a model is asked only in English, where its claims can be checked",
            settings.language,
            extra={"language": settings.language},
        )


def attention_raised(reason: AttentionReason) -> None:
    """A record for `student-attention`. Neither who, nor which event: logs are read by others."""
    _log.info("A text may disclose %s: a record for the attention topic", reason, extra={"reason": reason})


def assigned(active: Collection[int], standby: Collection[int]) -> None:
    """The group has given this worker its partitions; their rows are restored next."""
    _log.info(
        "Partitions assigned: %s%s; recovery begins",
        _listed(active),
        f" (standby: {_listed(standby)})" if standby else "",
        extra={"partitions": sorted(active), "standby": sorted(standby)},
    )


def recovered(rows: int, records: int, took_s: float) -> None:
    """The rows of all assigned partitions are there."""
    _log.info(
        "The table is restored: %d rows, %d records read in %.1f s",
        rows,
        records,
        took_s,
        extra={"rows": rows, "records": records, "seconds": round(took_s, 3)},
    )


def revoked(partitions: Collection[int]) -> None:
    """The worker has given up its partitions."""
    _log.info("Partitions revoked: %s", _listed(partitions), extra={"partitions": sorted(partitions)})


def former_rows_removed(students: int) -> None:
    """The store's files hold nothing any more of students from before they were erased."""
    _log.info("The store on disk holds nothing any more of %d erased students", students, extra={"students": students})


def drains(batches: int) -> None:
    """Partitions are to be given up, or the worker stops: what is in flight is finished first."""
    _log.info("Draining: %d batches in flight", batches, extra={"batches": batches})


def drained(took_s: float) -> None:
    """What was in flight is finished, and committed."""
    _log.info("Drained and committed in %.1f s", took_s, extra={"seconds": round(took_s, 3)})


def configured(former: str, now: str, *, offset: int = -1, at: str = "", reason: str = "") -> None:
    """Another configuration is in force, written to `fusion-config` at that offset and time; -1: none is any more."""
    where = f"written at offset {offset}, {at}" if offset >= 0 else "none is on fusion-config any more"
    _log.info(
        "Configuration %s is in force, before it %s: %s%s",
        now,
        former,
        where,
        f", because: {plain(reason)}" if reason else "",
        extra={"config_version": now, "former": former, "offset": offset, "written": at, "reason": reason},
    )


def norms_in_force(snapshot: NormSnapshot) -> None:
    """Other norms are in force."""
    clock = datetime.fromtimestamp(snapshot.clock_us / 1_000_000, UTC).isoformat(timespec="seconds")
    _log.info(
        "Norms %s are in force, number %d, of records up to %s: %d items, %d components, %d cohorts",
        snapshot.version,
        snapshot.number,
        clock,
        len(snapshot.items),
        len(snapshot.components),
        len(snapshot.cohorts),
        extra={"norms_version": snapshot.version, "number": snapshot.number, "clock": clock},
    )


def rescores(partition: int, students: int, offset: int, written: str, reason: str) -> None:
    """All students of a partition are scored anew, as a record of `fusion-config` asks."""
    _log.info(
        "Rescoring partition %d: %d students, asked for at offset %d, %s%s",
        partition,
        students,
        offset,
        written,
        f", because: {plain(reason)}" if reason else "",
        extra={"partition": partition, "students": students, "offset": offset, "written": written, "reason": reason},
    )


def rescoring(partition: int, students: int, of: int) -> None:
    """How far it has come."""
    _log.info(
        "Rescoring partition %d: %d of %d students",
        partition,
        students,
        of,
        extra={"partition": partition, "students": students},
    )


def rescored(partition: int, students: int, took_s: float) -> None:
    """It is done, and remembered."""
    _log.info(
        "Partition %d is rescored: %d students in %.1f s",
        partition,
        students,
        took_s,
        extra={"partition": partition, "students": students, "seconds": round(took_s, 3)},
    )


def rescoring_interrupted(partition: int, students: int) -> None:
    """The partition is given up: its next owner begins again."""
    _log.info(
        "Rescoring partition %d is interrupted after %d students: its owner begins again",
        partition,
        students,
        extra={"partition": partition, "students": students},
    )


def tenant_held(tenant: str, partition: int, start: int, why: str) -> None:
    """A tenant has too many dead letters: what it wrote from there on is not worked on."""
    _log.error(
        "Tenant %s is held on partition %d from offset %d on: %s. Its records there become dead letters until "
        "`skillstream tenants release %s`; the others go on",
        tenant,
        partition,
        start,
        why,
        tenant,
        extra={"tenant": tenant, "partition": partition, "from_offset": start},
    )


def tenant_released(tenant: str, partition: int, start: int, end: int) -> None:
    """What it writes from now on is worked on."""
    _log.info(
        "Tenant %s is released on partition %d: held from offset %d to %d",
        tenant,
        partition,
        start,
        end,
        extra={"tenant": tenant, "partition": partition, "from_offset": start, "to_offset": end},
    )


def identities_started(starts: int) -> None:
    """Events of other ids begin to count for their students, or cease to."""
    _log.info("From here on events of %d other ids count for other students than before", starts, extra={"ids": starts})


def server_lost(name: str, where: str, why: str, meanwhile: str) -> None:
    """A server that was there does not answer."""
    _log.warning("%s is away, at %s: %s; %s", name, where, why, meanwhile, extra={"server": name, "where": where})


def server_refuses(name: str, where: str, why: str) -> None:
    """A server that is away is there, and cannot be used as it is set."""
    _log.warning("%s cannot be used, at %s: %s", name, where, why, extra={"server": name, "where": where, "why": why})


def server_back(name: str, where: str, unavailable_s: float) -> None:
    """It answers again."""
    _log.info(
        "%s is back, at %s, after %.1f s",
        name,
        where,
        unavailable_s,
        extra={"server": name, "where": where, "seconds": round(unavailable_s, 3)},
    )


def ended(exit_code: int, why: str) -> None:
    """The last line of a worker."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.write_counts()
    level = logging.INFO if exit_code == 0 else logging.CRITICAL
    _log.log(level, "Ended with exit code %d: %s", exit_code, why, extra={"exit_code": exit_code, "why": why})


def _listed(partitions: Collection[int]) -> str:
    return ", ".join(map(str, sorted(partitions))) or "none"
