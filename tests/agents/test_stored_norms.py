"""Snapshots as commands find them on `norms`: by version, the newest, and what is damaged or incomplete."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pytest

from agents.config.settings import Settings, load_settings
from agents.norms.snapshot_log import snapshot_records
from agents.norms.stored import StoredNorms
from streams.norms.sealed import NormsUnreadable
from streams.norms.snapshot import NormSnapshot
from tests.norms import snapshot_of

FIRST: Final = snapshot_of({"i1": {"answers": 20}})
SECOND: Final = snapshot_of({"i1": {"answers": 40}}, number=2, previous=FIRST.version)
ALSO_SECOND: Final = snapshot_of({"i1": {"answers": 41}}, number=2, previous=FIRST.version)


@dataclass
class Written:
    """A record as the client has it."""

    written: tuple[bytes, bytes]

    def key(self) -> bytes:
        return self.written[0]

    def value(self) -> bytes:
        return self.written[1]

    def offset(self) -> int:
        return 0

    def partition(self) -> int:
        return 0

    def topic(self) -> str:
        return "norms"

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_000

    def headers(self) -> None:
        return None


@pytest.fixture
def settings() -> Settings:
    return load_settings({"SKILLSTREAM_APP_ID": FIRST.app_id})


def stored(monkeypatch: pytest.MonkeyPatch, settings: Settings, records: Iterable[tuple[bytes, bytes]]) -> StoredNorms:
    def read_to_end(_broker: str, _topic: str) -> Iterator[Written]:
        return iter(kept)

    kept = list(map(Written, records))
    monkeypatch.setattr("agents.norms.stored.read_to_end", read_to_end)
    return StoredNorms(settings)


def records_of(*snapshots: NormSnapshot) -> list[tuple[bytes, bytes]]:
    return [record for snapshot in snapshots for record in snapshot_records(snapshot)]


def test_the_newest_is_that_of_the_highest_number_and_of_two_the_first_as_workers_have_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    other = replace(SECOND, number=7, app_id="another")
    norms = stored(monkeypatch, settings, records_of(FIRST, SECOND, ALSO_SECOND, other))

    newest, [refused] = norms.newest()
    assert newest is not None
    assert (newest.version, refused.reason) == (SECOND.version, "foreign")
    assert norms.read(SECOND.version).encode() == SECOND.encode()
    assert [each.version for each in norms.snapshots()] == [FIRST.version, SECOND.version, ALSO_SECOND.version]
    assert stored(monkeypatch, settings, []).newest() == (None, [])


def test_norms_that_cannot_be_read_leave_the_newest_that_can_be(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    [(key, piece), manifest] = records_of(SECOND)
    damaged = [(key, piece[:-1] + b"\xff"), manifest]
    newest, [refused] = stored(monkeypatch, settings, [*records_of(FIRST), *damaged]).newest()
    again, nothing = stored(monkeypatch, settings, [*records_of(FIRST), *damaged, *records_of(SECOND)]).newest()

    assert newest is not None
    assert again is not None
    assert (newest.number, refused.reason) == (1, "damaged")
    assert (again.number, nothing) == (2, [])


def test_a_snapshot_that_was_written_again_is_read_where_it_is_whole(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    _, *rest = records_of(FIRST)  # retention removed the piece
    norms = stored(monkeypatch, settings, [*rest, *records_of(FIRST)])

    assert norms.read(FIRST.version).number == 1
    with pytest.raises(NormsUnreadable, match="some are missing"):
        stored(monkeypatch, settings, rest).read(FIRST.version)


def test_a_version_that_the_topic_does_not_hold_is_named(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    norms = stored(monkeypatch, settings, records_of(SECOND))

    with pytest.raises(NormsUnreadable, match=f"norms does not hold norms {FIRST.version}"):
        norms.read(FIRST.version)
    assert norms.find(FIRST.version) is None
