"""Whose another id is: chains, circles, garbage, tenants and room; and following the topic while it behaves badly."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from agents.identities.following import IdentityFollower
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.metrics import Metrics
from schemas.event import MAX_IDENTIFIER_CHARS
from streams.input.identities import ENTRY_BYTES, MOST_STEPS, IdentityMap
from streams.input.tenancy import Tenancy
from streams.replay import FileRecord

MAIL, ACCOUNT = b"fay@school.example", b"account-7"
TENANCY = Tenancy({"north": "north:", "south": "south:"})


def entry(student: str) -> bytes:
    return b'{"student_id":"%b"}' % student.encode()


def map_of(*entries: tuple[bytes, str]) -> IdentityMap:
    made = IdentityMap()
    for key, student in entries:
        assert made.note(key, entry(student)) is None
    return made


def test_an_id_is_the_student_s_whom_the_newest_entry_names_until_it_is_taken_back() -> None:
    made = map_of((MAIL, "eve"), (MAIL, "fay"))
    assert made.student_of(MAIL) == b"fay"
    assert made.student_of(b"fay") == b"fay"
    assert made.student_of(b"nobody") == b"nobody"
    assert made.note(MAIL, None) is None
    assert (made.student_of(MAIL), len(made), made.size_bytes) == (MAIL, 0, 0)


def test_entries_are_followed_to_their_end_and_only_so_far() -> None:
    chain = [(str(step).encode(), str(step + 1)) for step in range(MOST_STEPS + 1)]
    made, last = map_of(*chain), str(MOST_STEPS + 1).encode()
    assert made.student_of(b"1") == last
    assert made.student_of(b"0") == b"0"
    assert made.keys_of(b"5") == [last, *(key for key, _ in chain if key != b"0")]


def test_a_circle_names_nobody_and_holds_nobody_up() -> None:
    made = map_of((b"a", "b"), (b"b", "a"), (MAIL, "a"), (b"self", "self"), (b"to-self", "self"))
    for key in (b"a", b"b", MAIL, b"self"):
        assert made.student_of(key) == key
    assert made.student_of(b"to-self") == b"self"
    assert len(made) == 4


def test_all_ids_of_a_student_are_found_by_any_of_them() -> None:
    made = map_of((MAIL, "fay-2"), (b"fay-2", "fay"), (ACCOUNT, "fay"), (b"other", "eve"))
    for asked in (MAIL, b"fay-2", ACCOUNT, b"fay"):
        assert made.keys_of(asked) == [b"fay", ACCOUNT, b"fay-2", MAIL]
    assert made.keys_of(b"nobody") == [b"nobody"]


GARBAGE = [b"", b"\xff", b"no JSON", b"null", b"[]", b"7", b'{"student_id":7}', b'{"student_id":"fay","version":2}']


@pytest.mark.parametrize("value", [*GARBAGE, b"{}", entry(""), entry("x" * (MAX_IDENTIFIER_CHARS + 1)), b"[" * 10_000])
def test_what_is_no_entry_names_nobody_and_takes_back_what_was_said_before(value: bytes) -> None:
    made = map_of((MAIL, "fay"))
    assert made.note(MAIL, value) == "not_an_identity"
    assert (made.student_of(MAIL), made.size_bytes) == (MAIL, 0)


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"x" * (MAX_IDENTIFIER_CHARS + 1)])
def test_what_is_no_id_has_no_student(key: bytes | None) -> None:
    made = IdentityMap()
    assert made.note(key, entry("fay")) == "not_an_identity"
    assert len(made) == 0


def test_an_id_and_its_student_are_of_one_tenant() -> None:
    made = IdentityMap(TENANCY)
    assert made.note(b"north:mail", entry("north:fay")) is None
    for key, student in ((b"north:b", "south:bob"), (b"south:b", "north:fay"), (MAIL, "north:fay"), (b"north:c", "c")):
        assert made.note(key, entry(student)) == "foreign_student"
        assert made.student_of(key) == key
    assert made.note(MAIL, entry("fay")) is None  # neither is a tenant's


def test_entries_take_no_more_than_may_be_kept_whatever_comes() -> None:
    rng, most = Random(7), 10 * (ENTRY_BYTES + 10)
    made = IdentityMap(max_bytes=most)
    said = set()
    for _ in range(2_000):
        key, student = str(rng.randrange(30)).encode(), "s" * rng.randint(1, 60)
        said.add(made.note(key, rng.choice([entry(student), entry(student), None])))
        assert made.size_bytes <= most
    assert said == {None, "full"}
    for number in range(30):
        made.note(str(number).encode(), None)
    assert (made.size_bytes, len(made)) == (0, 0)


class Script:
    """An IdentityLog of these readings: records, or what is raised."""

    name = "identities"

    def __init__(self, *readings: Sequence[tuple[bytes, bytes | None]] | Exception) -> None:
        self._readings = iter(readings)

    def batches_on(self) -> Iterator[Sequence[FileRecord]]:
        reading = next(self._readings, ())
        if isinstance(reading, Exception):
            raise reading
        for offset, (key, value) in enumerate(reading):
            yield [FileRecord(offset, 0, value, self.name, 0, key)]
            if value == b"cut":
                raise BrokerUnavailable("away")

    def close(self) -> None: ...


def follow(*readings: Sequence[tuple[bytes, bytes | None]] | Exception, most: int = 10_000) -> IdentityFollower:
    return IdentityFollower(Script(*readings), lambda: IdentityMap(max_bytes=most), Metrics())


def test_nothing_counts_before_all_of_it_was_read() -> None:
    followed = follow([(MAIL, entry("fay-2")), (ACCOUNT, b"cut")], [(b"fay-2", entry("fay"))])
    followed.look()
    assert (followed.student_of(MAIL), followed.is_read) == (MAIL, False)
    assert followed.state.problem is not None
    followed.look()
    assert (followed.student_of(MAIL), followed.is_read) == (b"fay", True)
    assert followed.state.problem is None


FAULTS = (NoSuchTopic("gone"), BrokerUnavailable("away"), TopicForbidden("no"), DamagedBatch("bad"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_what_is_known_stays_while_the_topic_cannot_be_read_and_health_says_so(fault: Exception) -> None:
    followed = follow([(MAIL, entry("fay"))], fault, [(MAIL, entry("eve"))])
    followed.look()
    followed.look()
    assert followed.student_of(MAIL) == b"fay"
    assert followed.state.problem == f"identities cannot be read: {fault}"
    followed.look()
    assert followed.student_of(MAIL) == b"eve"
    assert followed.state.problem is None


def test_a_topic_that_was_made_anew_replaces_all_once_it_is_read() -> None:
    followed = follow([(MAIL, entry("fay"))], TopicStartedAnew(), [(ACCOUNT, entry("fay"))])
    followed.look()
    followed.look()
    assert followed.student_of(MAIL) == b"fay"
    followed.look()
    assert (followed.student_of(MAIL), followed.student_of(ACCOUNT)) == (MAIL, b"fay")


def test_more_entries_than_may_be_kept_are_said() -> None:
    followed = follow([(str(number).encode(), entry("fay")) for number in range(10)], most=3 * ENTRY_BYTES)
    followed.look()
    assert followed.state.entries == 2
    assert "SKILLSTREAM_IDENTITIES_MB" in (followed.state.problem or "")
