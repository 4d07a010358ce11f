"""Documents made a little wrong: parts replaced, taken away, moved, wrapped, repeated, renamed."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

Place = tuple[Any, Any]
"""A container, and the key or index of a part of it."""

ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, -1e308, 5e-324, 2**53, 2**63 - 1, -(2**63), 2**64 - 1,
    "", " ", "0", "null", "\x00", "\x7f", "\ufeff", "\ufffe", "é", "🎓" * 3, "a" * 300, "%", "%zz", "//", "mailto:",
    "http://[::1", "a:b", "urn:", "P", "PT", "PT1S", "P1Y", "-P1D", "P1W2D", "PT1e9S", "P99999999999999999999D",
    "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-03-02T12:00:00",
    "2016-12-31T23:59:60Z", "2026-03-02", "٢026-03-02T12:00:00Z", "2026-W10-1T12:00:00Z", "1.0", "1.0.3", "2.0.0",
    [], {}, [[]], [{}], [None], {"": ""}, {"objectType": "Agent"}, {"id": ""}, {"en-US": 1}, {"und": "x"},
)  # fmt: skip
_NAMES: Final = (
    "", "id", "type", "objectType", "actor", "verb", "object", "result", "score", "scaled", "extensions", "mbox",
    "account", "member", "data", "data_base64", "specversion", "@context", "sensor", "action", "version", "event_id",
    "student_id", "time", "timestamp", "context", "attachments",
    "name", "event", "event_type", "event_source", "submission", "\x00", "é", "a" * 300,
)  # fmt: skip
_MAX_CHANGES: Final = 4


def mutated(document: Any, others: Sequence[Any], rng: Random) -> Any:
    """A copy of `document` with a few changes; parts of `others` may turn up in it."""
    whole = [deepcopy(document)]
    for _ in range(rng.randint(1, _MAX_CHANGES)):
        _change(rng.choice(list(places(whole))), others, rng)
    return whole[0]


def places(container: Any) -> Iterator[Place]:
    """Every part of a container, and every part of those."""
    parts = list(container.items() if isinstance(container, dict) else enumerate(container))
    for key, part in parts:
        yield container, key
        if isinstance(part, dict | list):
            yield from places(part)


def _change(place: Place, others: Sequence[Any], rng: Random) -> None:
    container, key = place
    match rng.randrange(8):
        case 0 | 1:
            container[key] = deepcopy(rng.choice(ODD))
        case 2:
            container[key] = _part(rng.choice(others), rng)
        case 3:
            container[key] = [container[key]] * rng.randint(1, 3)
        case 4:
            container[key] = _text(container[key], rng)
        case 5 if isinstance(container, dict):
            container[rng.choice(_NAMES)] = container[key]
        case 6 if isinstance(container, dict):
            container[rng.choice(_NAMES)] = _part(rng.choice(others), rng)
        case _ if isinstance(container, dict):
            del container[key]
        case _:
            container[key] = {rng.choice(_NAMES): container[key]}


def _part(document: Any, rng: Random) -> Any:
    container, key = rng.choice(list(places([document])))
    return deepcopy(container[key])


def _text(part: Any, rng: Random) -> Any:
    """A string with a character more, less or changed; other values as a string."""
    text = part if isinstance(part, str) else str(part)[:200]
    at = rng.randint(0, len(text))
    return (
        text[:at]
        + rng.choice(("", "0", "-", ":", " ", "é", "\x00", "T", "%", "/", "Z"))
        + text[at + rng.randint(0, 1) :]
    )
