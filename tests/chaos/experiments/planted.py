"""Faults that verify must find, one of each kind, each by the same verdict as everywhere else."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np
import orjson

from streams.norms.journal import PAGE_EVERY
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES, is_of_journal, page_key
from streams.norms.journal_records import decode_record, entry_of, entry_value
from streams.replay import FileRecord, Replay
from streams.rows.codec import encode_row
from tests.agents.deployment import Sent, owning_partition, pipeline
from tests.chaos.accounts import rows_by_student
from tests.chaos.experiment import experiment
from tests.chaos.left_over import left_over
from tests.chaos.scene import Scene

EVENTS: Final = 9_000


@experiment("planted-loss", planted="lost")
def one_event_lost(scene: Scene) -> None:
    """One row planted as if one of its student's events had never been folded."""
    records = _a_student(scene)
    erased = next(n for n in range(5, len(records)) if _applies(scene, records[n]))
    _plant(scene, records[:erased] + records[erased + 1 :])


@experiment("planted-double", planted="double_applied")
def one_event_applied_twice(scene: Scene) -> None:
    """One row planted as if one of its student's events had been folded twice."""
    records = _a_student(scene)
    apart = (n for n in range(5, len(records)) if records[n + 1].offset > records[n].offset + 1)
    at = next(n for n in apart if _applies(scene, records[n]))
    value = orjson.loads(records[at].value or b"")
    again = orjson.dumps(value | {"event_id": "planted"})
    copy = replace(records[at], offset=records[at].offset + 1, value=again)
    _plant(scene, [*records[: at + 1], copy, *records[at + 1 :]])


@experiment("planted-stale", planted="stale_row")
def one_stale_row(scene: Scene) -> None:
    """An old row of a student appended again, as a zombie would."""
    key = _a_student(scene)[0].key
    rows = [record for record in scene.deployment.records(scene.deployment.changelog) if record.key == key]
    scene.deployment.send([Sent(key, rows[len(rows) // 2].value)], scene.deployment.changelog)


@experiment("planted-erased", planted="double_applied")
def what_an_erased_student_had(scene: Scene) -> None:
    """An erased student's row planted again with what is erased in it, and the update of before it."""
    key = _a_student(scene)[0].key or b""
    [*_, update] = [one.value for one in scene.deployment.records(scene.deployment.channels.updates) if one.key == key]
    before = rows_by_student(scene.deployment.table())[key]
    for worker in scene.workers:
        worker.start()
    scene.deployment.send([Sent(key, b"{}")], scene.deployment.channels.erasures)
    scene.await_caught_up()
    scene.stop_all()
    assert left_over(scene.deployment) == []
    erased = rows_by_student(scene.deployment.table())[key]
    row = msgspec.structs.replace(before, erased_us=erased.erased_us, erasure=erased.erasure)
    scene.deployment.send([Sent(key, encode_row(row))], scene.deployment.changelog)
    scene.deployment.send([Sent(key, update)], scene.deployment.channels.updates)
    assert left_over(scene.deployment) == [(scene.deployment.channels.updates, key)]


@experiment("planted-sum", planted="norms")
def one_answer_missing_from_the_sums_of_an_item(scene: Scene) -> None:
    """The last entry of a partition's journal of norms planted once more, without one of its answers."""
    _fold_all(scene)
    log = scene.deployment.records(scene.deployment.changelog)
    entries = [(record, decode_record(record.value or b"")) for record in log if _is_entry(record.key or b"")]
    last, decoded = max(entries, key=lambda each: each[1].header.number)
    planted = entry_value(decoded.header, _without_an_answer(decoded.header.number, entry_of(decoded)))
    scene.deployment.send([Sent(last.key, planted, last.partition)], scene.deployment.changelog)


def _is_entry(key: bytes) -> bool:
    return is_of_journal(key) and key not in map(page_key, range(PAGES))


def _without_an_answer(number: int, entry: JournalEntry) -> JournalEntry:
    """Without one that no page includes."""
    pages = entry.answers["item"] % PAGES
    return entry._replace(answers=np.delete(entry.answers, np.flatnonzero(pages != number // PAGE_EVERY % PAGES)[0]))


def _fold_all(scene: Scene) -> None:
    """All is folded, the workers are down."""
    scene.two_workers()
    scene.send(scene.events(EVENTS))
    scene.await_caught_up()
    scene.stop_all()


def _a_student(scene: Scene) -> list[FileRecord]:
    """All is folded, the workers are down: the events of one student, as they stand at its owning partition, all of
    them good.
    """
    _fold_all(scene)
    found = scene.deployment.records(scene.deployment.channels.activity)
    on_owning = [record for record in found if record.key and record.partition == owning_partition(record.key)]
    by_student: defaultdict[bytes, list[FileRecord]] = defaultdict(list)
    for record in on_owning:
        by_student[record.key or b""].append(record)
    good = [records for records in by_student.values() if len(records) > 40 and _is_clean(scene, records)]
    return scene.rng.choice(good)


def _is_clean(scene: Scene, records: list[FileRecord]) -> bool:
    counts = _replay(scene, records).counts
    return counts.events_in == counts.applied + counts.ignored


def _applies(scene: Scene, record: FileRecord) -> bool:
    return _replay(scene, [record]).counts.applied == 1


def _replay(scene: Scene, records: list[FileRecord]) -> Replay:
    replay = Replay(pipeline("default", str(scene.deployment.given()["model"])), owning_partition=owning_partition)
    asyncio.run(_feed(replay, records))
    return replay


async def _feed(replay: Replay, records: list[FileRecord]) -> None:
    await replay.feed(records)


def _plant(scene: Scene, records: list[FileRecord]) -> None:
    """The row that these records make, on the changelog."""
    key = records[0].key or b""
    row = _replay(scene, records).rows.get(owning_partition(key), key)
    assert row is not None
    scene.deployment.send([Sent(key, row)], scene.deployment.changelog)
