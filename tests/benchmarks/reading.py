"""Texts decoded, read and folded into rows, on one core, in CPU time: what a message costs, all in. No broker.

Texts are stretches of 40 words of `../shared/data` where it is there, else sentences of the simulated class.
"""

import csv
import gzip
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from typing import Final

import orjson

from agents.worker.garbage_collection import collect_rarely
from schemas.dialects import native
from schemas.dialects.record import Record
from schemas.event import Message
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.simulation import simulate
from streams.skills.skills_file import load_skills
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.events import fail_source, processed, raw
from tests.shared_data import SHARED

NAME: Final = "texts"
SKILLS: Final = ("default", "empathy")
_REACTIONS: Final = SHARED / "empathic_reactions" / "messages.csv.gz"
_TEXTS: Final = 20_000
_STUDENTS: Final = 2_000
_WORDS: Final = 40
_NOW_MS: Final = 1_900_000_000_000
_TARGET: Final = Target("at least", 10_000, of="value")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Texts a second by skill set, against parsing the same bytes with orjson."""
    records = _records()
    pipelines = {name: Pipeline(load_skills(name), load_artifact("none"), on_failure=fail_source) for name in SKILLS}
    collect_rarely()  # as a worker does
    rates: dict[str, list[float]] = {name: [] for name in SKILLS}
    ratios: dict[str, list[float]] = {name: [] for name in SKILLS}
    for number in range(1, sizes.rounds + 1):
        for name, pipeline in pipelines.items():
            base_s, took_s = _parsing_s(records), _reading_s(records, pipeline)
            rates[name].append(_TEXTS / took_s)
            ratios[name].append(base_s / took_s)
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME} {name:12} {_TEXTS / took_s:11,.0f}\n")
    return [
        rounds.figure(
            f"{NAME}.{name}",
            "texts/s",
            rates[name],
            against="orjson.loads alone",
            ratios=ratios[name],
            target=_TARGET,
        )
        for name in SKILLS
    ]


def _records() -> list[Record]:
    texts = islice(cycle(_stretches(_written())), _TEXTS)
    return [
        FileRecord(number, _NOW_MS, raw("message", f"s{number % _STUDENTS}", event_id=f"m{number}", text=text))
        for number, text in enumerate(texts)
    ]


def _stretches(texts: Iterable[str]) -> list[str]:
    """All their words, _WORDS at a time."""
    words = [word for text in texts for word in text.split(" ")]
    return [" ".join(words[at : at + _WORDS]) for at in range(0, len(words) - _WORDS, _WORDS)]


def _written() -> Iterator[str]:
    if _REACTIONS.exists():
        with gzip.open(_REACTIONS, "rt", encoding="utf-8", newline="") as table:
            yield from (row["essay"] for row in csv.DictReader(table))
        return
    sys.stderr.write("  texts: no ../shared/data here, so of the simulated class\n")
    for record in simulate(_STUDENTS, 20_000, seed=1, faults=0.0):
        if isinstance(event := native.decode(record.value), Message):
            yield event.text


def _reading_s(records: list[Record], pipeline: Pipeline) -> float:
    """Seconds of CPU."""
    began_s = time.process_time()
    processed(records, pipeline=pipeline)
    return time.process_time() - began_s


def _parsing_s(records: list[Record]) -> float:
    began_s = time.process_time()
    for record in records:
        orjson.loads(record.value or b"")
    return time.process_time() - began_s
