"""Hypothesis strategies: events of all kinds, and streams of records with everything that goes wrong in them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import orjson
from hypothesis import strategies as st

from schemas.dialects import native
from schemas.event import NativeEvent
from streams.input.origin import ORIGIN_HEADER
from streams.replay import FileRecord
from tests.events import NOW, NOW_MS, default_skills, fields

YEAR_MINUTES: Final = 366 * 1440
PHRASES: Final = sorted(phrase for skill in default_skills().skills.values() for phrase in skill.lexicon)

units = st.floats(0, 1)
items = st.sampled_from(["q1", "q2", "q3"])
tasks = items | st.sampled_from(["ä" * 40, "https://lms.example/" + "x" * 60 + "/é€1", "no-item:ada-1", " Übung 3\n"])
durations = st.none() | st.floats(0, 3600)


def _times(first_minute: int, last_minute: int) -> st.SearchStrategy[str]:
    return st.integers(first_minute, last_minute).map(lambda minute: (NOW + timedelta(minutes=minute)).isoformat())


times = _times(-3 * YEAR_MINUTES, 0)
century = times | _times(-120, 0) | _times(-36 * YEAR_MINUTES, 73 * YEAR_MINUTES)
texts = st.lists(
    st.sampled_from([*PHRASES, "not", "he hits me", "hello", "…", "and it was I who said so:"]), max_size=8
).map(" ".join)
_FEW: Final = st.integers(0, 30).map(str)
_ACT_IDS: Final = st.lists(st.sampled_from(["a", "b", "c", "@d", "@e"]), max_size=2, unique=True)
_KCS: Final = st.sampled_from(["a", "b", "ç", "plumless", "buckeroo", "x" * 64])  # the fourth and fifth: of one CRC-32
_OPTIONS: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "attempt": {
        "item_id": items,
        "score": units,
        "hints": st.integers(0, 3),
        "duration_s": durations,
        "attempt": st.integers(1, 3),
        "success": st.none() | st.booleans(),
        "kcs": st.none() | st.lists(_KCS, min_size=1, max_size=4),
    },
    "failure": {"item_id": tasks, "gave_up": st.booleans()},
    "retry": {"item_id": tasks},
    "hint": {"item_id": tasks},
    "submission": {"item_id": tasks, "due": times, "score": units, "weight": units},
    "mark": {"item_id": tasks, "score": units},
    "overdue": {"item_id": tasks, "weight": units},
    "control": {
        "controls": st.dictionaries(
            st.sampled_from(["", *"abcdefghijkl"]), st.sampled_from([0.0, 1.0, -2.5]), max_size=4
        ),
        "reset": st.booleans(),
        "changed": st.integers(0, 3),
        "duration_s": durations,
    },
    "message": {"text": texts, "in_reply_to": st.none() | items},
    "reflection": {"text": texts, "asked_for": st.booleans()},
    "collaboration": {"act": st.sampled_from(["asked", "answered", "helped", "agreed", "disagreed"])},
    "session": {"phase": st.sampled_from(["enrolled", "start", "end", "withdrawn"]), "duration_s": durations},
    "media": {"action": st.sampled_from(["played", "paused", "seeked", "completed"])},
    "rubric": {"skill": st.sampled_from([*default_skills().names, "juggling"]), "rating": units},
    "navigation": {},
    "voided": {"voided_id": _FEW},
}
KINDS: Final = tuple(sorted(_OPTIONS.keys() - {"voided"}))
WITH_VOIDS: Final = (*KINDS, *["voided"] * 8)


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    event_ids: st.SearchStrategy[str] = _FEW,
    at: st.SearchStrategy[str] = times,
    kinds: Sequence[str] = KINDS,
) -> dict[str, Any]:
    """A native event as a JSON object, for one of three students; ids from a small pool, so that some repeat."""
    kind = draw(st.sampled_from(kinds))
    voidable: dict[str, Any] = {"voidable": True} if "voided" in kinds and draw(st.booleans()) else {}
    if "voided" in kinds and kind != "voided" and (act_ids := draw(_ACT_IDS)):
        voidable["act_ids"] = act_ids
    return fields(
        kind,
        draw(st.sampled_from(["ada", "bo", "chi"])),
        event_id=draw(event_ids),
        time=draw(at),
        **voidable,
        **{name: draw(option) for name, option in _OPTIONS[kind].items()},
    )


def events(
    event_ids: st.SearchStrategy[str] = _FEW,
    at: st.SearchStrategy[str] = times,
    kinds: Sequence[str] = KINDS,
) -> st.SearchStrategy[NativeEvent]:
    """Events, decoded."""
    made = documents(event_ids=event_ids, at=at, kinds=kinds)
    return made.map(lambda document: native.decode(orjson.dumps(document)))


_BROKEN: Final = st.sampled_from([None, b"", b"\xff", b"[[", b'{"type":"attempt"}', b'{"type":"attempt","version":2}'])
_ORIGINS: Final = st.tuples(st.integers(1, 10), st.integers(0, 9)).map(
    lambda at: ((ORIGIN_HEADER, f"student-activity/{at[0]}/{at[1]}/0".encode()),)
)


@st.composite
def streams(draw: st.DrawFn, max_size: int = 30) -> list[FileRecord]:
    """One partition's records, in offset order with gaps: events, repeats, forwards from elsewhere, broken ones."""
    values = draw(st.lists(st.one_of(*[documents().map(orjson.dumps)] * 6, _BROKEN), min_size=1, max_size=max_size))
    offset, made = 0, []
    for value in values:
        offset += draw(st.integers(1, 3))
        headers = draw(st.one_of(st.just(()), st.just(()), _ORIGINS))
        made.append(FileRecord(offset, NOW_MS, value, "student-activity", 0, b"key", headers))
    return made


Taken = TypeVar("Taken")


@st.composite
def cuts(draw: st.DrawFn, taken: list[Taken]) -> list[list[Taken]]:
    """Records or events, cut into batches."""
    places = sorted(draw(st.sets(st.integers(1, max(len(taken) - 1, 1)), max_size=6)) - {len(taken)})
    return [taken[start:end] for start, end in zip([0, *places], [*places, len(taken)], strict=True)]
