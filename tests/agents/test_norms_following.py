"""Following `norms` while the topic behaves badly: scores go on under the norms in force."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.metrics import Metrics
from agents.norms.following import NormsFollower
from agents.norms.snapshot_log import snapshot_records
from streams.norms.pieces import PIECE_BYTES, pieces_of
from streams.norms.snapshot import NormSnapshot
from streams.replay import FileRecord
from tests.events import NOW_MS
from tests.norms import APP_ID, snapshot_of

FIRST, SECOND, THIRD = (snapshot_of({"i1": {"answers": 10 * number}}, number=number) for number in (1, 2, 3))
PIECE = SECOND.version.encode() + b"/0"
LARGE = snapshot_of({f"i{number}": {} for number in range(2 * PIECE_BYTES // 160)}, number=2)


def records(*snapshots: NormSnapshot) -> list[FileRecord]:
    pairs = [pair for snapshot in snapshots for pair in snapshot_records(snapshot)]
    return [FileRecord(at, NOW_MS, value, "norms", 0, key) for at, (key, value) in enumerate(pairs)]


def spoilt(records: Sequence[FileRecord], key: bytes, value: bytes | None) -> list[FileRecord]:
    """The records, with another value under a key; None: without it."""
    changed = [FileRecord(r.offset, NOW_MS, value, "norms", 0, r.key) if r.key == key else r for r in records]
    return [record for record in changed if record.value is not None]


def piece_of(snapshot: NormSnapshot) -> bytes:
    [piece] = pieces_of(snapshot.encode())
    return piece.encode()


class Script:
    """A topic that gives these answers, one a reading, the last for ever."""

    name = "norms"

    def __init__(self, *answers: Sequence[FileRecord] | Exception) -> None:
        self._answers = list(answers)
        self.rewound: list[int | None] = []

    def rewind(self, last: int | None = None) -> None:
        self.rewound.append(last)

    def read_on(self) -> Sequence[FileRecord]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Followed:
    """What a worker makes of a script: the first answer at its start, then each."""

    def __init__(self, *answers: Sequence[FileRecord] | Exception) -> None:
        self.metrics = Metrics()
        self.versions: list[str] = []
        self.topic = Script(*answers)
        self.follower = NormsFollower(self.topic, APP_ID, lambda view: self.versions.append(view.version), self.metrics)
        self.follower.begin(0.0)
        for _ in answers[1:]:
            asyncio.run(self.follower.look())

    @property
    def refused(self) -> dict[str, float]:
        return {reason: count for reason, count in self.metrics.norms_refused.values().items() if count}


def test_the_newest_whole_snapshot_is_in_force_before_the_first_score() -> None:
    followed = Followed(records(FIRST, THIRD, SECOND))

    assert followed.versions == [THIRD.version]
    assert followed.follower.state.version == THIRD.version
    assert followed.metrics.norms_number.value == 3


def test_what_is_newer_is_put_in_force_and_what_is_older_is_not() -> None:
    assert Followed(records(SECOND), records(FIRST), records(THIRD)).versions == [SECOND.version, THIRD.version]


def test_of_two_of_one_number_the_first_on_the_topic_is_in_force() -> None:
    other = snapshot_of({"i2": {}}, number=2)

    assert Followed(records(SECOND, other), records(other)).versions == [SECOND.version]


def test_pieces_of_several_readings_and_of_two_writers_are_put_together() -> None:
    pieces = records(LARGE)
    assert len(pieces) > 2

    followed = Followed(pieces[:1], [*records(FIRST), *pieces[1:2]], pieces[2:])

    assert followed.versions == [FIRST.version, LARGE.version]
    assert not followed.refused


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (spoilt(records(SECOND), PIECE, piece_of(SECOND)[:-1] + b"\x7f"), "damaged"),
        (spoilt(records(SECOND), PIECE, piece_of(SECOND)[:100]), "incomplete"),
        (spoilt(records(SECOND), PIECE, piece_of(FIRST)), "damaged"),
        (spoilt(records(SECOND), PIECE, None), "incomplete"),
        (spoilt(records(SECOND), SECOND.version.encode(), b"{}"), "damaged"),
        (records(snapshot_of({"i1": {}}, number=2, app_id="another")), "foreign"),
        ([FileRecord(0, NOW_MS, b"\xff" * 9, "norms", 0, b"any")], "damaged"),
        ([FileRecord(0, NOW_MS, None, "norms", 0, None)], "damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_by_reason_and_degrades_health_until_a_good_one_comes(
    bad: list[FileRecord], reason: str
) -> None:
    followed = Followed(records(FIRST), bad)

    assert followed.versions == [FIRST.version]
    assert followed.refused == {reason: 1}
    assert followed.follower.state.problem is not None

    better = Followed(records(FIRST), bad, records(THIRD))
    assert better.versions == [FIRST.version, THIRD.version]
    assert better.follower.state.problem is None


def test_where_the_newest_cannot_be_read_the_one_before_it_is_in_force() -> None:
    third = spoilt(records(THIRD), THIRD.version.encode() + b"/0", piece_of(SECOND))

    assert Followed([*records(FIRST, SECOND), *third]).versions == [SECOND.version]


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("away"), NoSuchTopic("gone"), TopicForbidden("no right"), DamagedBatch("torn")]
)
def test_a_topic_that_cannot_be_read_is_no_reason_to_stop_and_a_problem_until_it_can(error: Exception) -> None:
    followed = Followed(error)
    assert (followed.versions, followed.metrics.norms_unread.value) == ([], 1)
    assert str(error) in (followed.follower.state.problem or "")

    mended = Followed(error, records(FIRST), error, records(SECOND))
    assert mended.versions == [FIRST.version, SECOND.version]
    assert (mended.follower.state.problem, mended.metrics.norms_unread.value) == (None, 0)


def test_a_topic_that_was_made_anew_begins_with_any_number() -> None:
    followed = Followed(records(THIRD), TopicStartedAnew(), records(FIRST))

    assert followed.versions == [THIRD.version, FIRST.version]


def test_the_norms_in_force_are_known_to_be_missing_on_a_topic_that_was_made_anew() -> None:
    followed = Followed(records(THIRD), TopicStartedAnew())
    assert followed.follower.written_ms is None

    again = Followed(records(THIRD), TopicStartedAnew(), records(THIRD))
    assert (again.versions, again.follower.written_ms) == ([THIRD.version], NOW_MS)


def test_a_start_looks_further_back_where_the_last_records_hold_no_snapshot() -> None:
    garbage = [FileRecord(at, NOW_MS, b"x", "norms", 0, b"x") for at in range(256)]

    topic, versions = Script(garbage, [*records(FIRST), *garbage]), list[str]()
    NormsFollower(topic, APP_ID, lambda view: versions.append(view.version), Metrics()).begin(0.0)

    assert (versions, topic.rewound) == ([FIRST.version], [256, 4_096])
