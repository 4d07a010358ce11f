"""The pure pipeline on one core: simulated events, decoded, folded, scored."""

import asyncio
import time
from functools import cache

import msgspec
import orjson

from schemas.dialects import native
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.simulation import simulate
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from tests.benchmarks.measure import Measure
from tests.events import fail_source, processed

_EVENTS = 20_000
_STUDENTS = 2_000
_PATIENCE_S = 600.0
_NOW_MS = 1_900_000_000_000


@cache
def _records() -> list[FileRecord]:
    simulated = simulate(_STUDENTS, _EVENTS, seed=1, faults=0.0)
    return [FileRecord(offset, _NOW_MS, record.value) for offset, record in enumerate(simulated)]


@cache
def pipeline() -> Pipeline:
    """The default skills, patient; made once."""
    return Pipeline(patient_skills(), load_artifact("none"), on_failure=fail_source)


def patient_skills() -> SkillSet:
    """The default skills, whose sources have as long as a busy machine may take."""
    skills = load_skills("default")
    return msgspec.structs.replace(skills, fusion=msgspec.structs.replace(skills.fusion, deadline_s=_PATIENCE_S))


def decode() -> Measure:
    """Native events decoded and validated, against parsing the same JSON with orjson."""
    began_s = time.perf_counter()
    for record in _records():
        native.decode(record.value)
    took_s = time.perf_counter() - began_s
    return _rate(took_s, _parsing_s(), "orjson.loads alone")


def fold() -> Measure:
    """Decoded and folded into rows, unscored."""
    began_s = time.perf_counter()
    processed(_records(), pipeline=pipeline())
    return _rate(time.perf_counter() - began_s, _parsing_s(), "orjson.loads alone")


def whole_pipeline() -> Measure:
    """Replay: decoded, folded, scored for seven skills by three sources, rows and updates made, batches of 2,000."""
    replay = Replay(pipeline())
    began_s = time.perf_counter()
    for batch in batches(_records()):
        asyncio.run(replay.feed(batch))
    return _rate(time.perf_counter() - began_s, _parsing_s(), "orjson.loads alone")


def _parsing_s() -> float:
    began_s = time.perf_counter()
    for record in _records():
        orjson.loads(record.value or b"")
    return time.perf_counter() - began_s


def _rate(took_s: float, base_s: float, against: str) -> Measure:
    return Measure(_EVENTS / took_s, "events/s", against, base_s / took_s)
