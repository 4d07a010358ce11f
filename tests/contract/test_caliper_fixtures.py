"""The example events, entities and envelopes of the Caliper working group, each with its expected outcome and why.

`golden/caliper_v1p1.txt`: file and index | outcome | why. The files themselves are no part of this repository.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.dialects import Dialects
from tests.events import record
from tests.shared_data import SHARED, needs

DATA: Final = SHARED / "caliper_v1p1"
GOLDEN: Final = Path(__file__).parent / "golden" / "caliper_v1p1.txt"
_SAID: Final = ("phase", "action", "act", "gave_up", "score", "attempt", "duration_s", "progress", "due", "in_reply_to")


def outcomes(path: Path) -> Iterator[str]:
    """What each event or entity of a file comes to: kind, whose, and what it says; or why it is none."""
    found = Dialects().decode(record(path.read_bytes()))
    assert not found.invalid
    name = path.stem.removeprefix("caliper")
    taken = {one.index: [f"ignored {one.name}"] for one in found.ignored}
    for event, index in zip(found.events, found.parts or [0] * len(found.events), strict=True):
        taken.setdefault(index, []).append(described(msgspec.to_builtins(event)))
    for index in range(len(taken)):
        yield f"{name}[{index}] | {' + '.join(taken[index])}"


def described(event: dict[str, Any]) -> str:
    said = [f"{name}={_short(event[name])}" for name in _SAID if name in event]
    words = [f"words={len(event['text'].split())}"] if "text" in event else []
    return " ".join([event["type"], _short(event["student_id"]), *said, *words])


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).rpartition("/")[2]


@needs("caliper_v1p1")
def test_every_example_comes_to_what_the_golden_file_says() -> None:
    expected = [line.rpartition(" | ") for line in GOLDEN.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [line for path in sorted(DATA.glob("*.json")) for line in outcomes(path)] == [line[0] for line in expected]
    assert all(why for _, _, why in expected)
