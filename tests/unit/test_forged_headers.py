"""Headers of ours count only where a key of the deployment signed them: whoever may write events could write these."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.step import Output
from schemas.dead_letter import REINSERTED_HEADER
from schemas.dialects import Record
from streams.evidence.artifacts import NO_ARTIFACT
from streams.input.origin import ORIGIN_HEADER
from streams.input.signature import SIGNATURE_HEADER, HeaderKeys
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from tests.events import NOW_MS, default_skills, fail_source, raw
from tests.stepped import CHANNELS, Stepped, owning_partition

KEYS: Final = HeaderKeys((b"the key of this deployment",))
STUDENT: Final = b"ada"
OWNING: Final = owning_partition(STUDENT)
ABROAD: Final = (OWNING + 1) % 4


def a_worker(keys: HeaderKeys = KEYS) -> Stepped:
    pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, authentic=keys.authentic)
    return Stepped(pipeline, keys.sign)


def arrived(partition: int, offset: int, value: bytes, *headers: tuple[str, bytes]) -> FileRecord:
    return FileRecord(offset, NOW_MS + 3_600_000 + offset, value, CHANNELS.activity, partition, STUDENT, tuple(headers))


def delivered(output: Output, offset: int) -> FileRecord:
    """A forward as its owning partition reads it."""
    headers = tuple((name, value or b"") for name, value in output.headers)
    return FileRecord(
        offset, output.timestamp_ms or 0, output.value, output.topic, output.partition, output.key, headers
    )


def repartitioned(worker: Stepped, *records: Record) -> list[Output]:
    outputs = worker.take(CHANNELS.activity, records[0].partition, records).outputs
    return [output for output in outputs if output.topic == CHANNELS.activity]


def origin(place: str) -> tuple[str, bytes]:
    return ORIGIN_HEADER, f"{CHANNELS.activity}/{place}".encode()


FORGED_SIGNATURES: Final = {
    "none": (),
    "garbage": ((SIGNATURE_HEADER, b"\xff"),),
    "of another key": HeaderKeys((b"another",)).sign(CHANNELS.activity, ABROAD, STUDENT, raw(), ())[:1],
    "of the key's id and no more": ((SIGNATURE_HEADER, KEYS.sign("", 0, b"", b"", ())[0][1] or b""),),
}


@pytest.mark.parametrize("signature", FORGED_SIGNATURES.values(), ids=FORGED_SIGNATURES)
def test_a_forged_origin_makes_no_row_on_a_foreign_partition(signature: tuple[tuple[str, bytes], ...]) -> None:
    worker = a_worker()

    [sent_on] = repartitioned(worker, arrived(ABROAD, 7, raw(), origin("2/41/0"), *signature))

    assert worker.rows.get(ABROAD, STUDENT) is None
    assert (sent_on.partition, sent_on.headers[0]) == (OWNING, origin(f"{ABROAD}/7/0"))
    assert worker.counts.forged_headers == 1
    assert worker.counts.rerouted == 1


def test_erasing_a_student_whose_events_came_with_forged_origins_leaves_nothing() -> None:
    worker = a_worker()
    [sent_on] = repartitioned(worker, arrived(ABROAD, 7, raw(), origin("2/41/0")))
    worker.take(CHANNELS.activity, OWNING, [delivered(sent_on, 0)])

    request = FileRecord(0, NOW_MS + 7_200_000, b"{}", CHANNELS.erasures, OWNING, STUDENT)
    worker.take(CHANNELS.erasures, OWNING, [request])

    rows = [row for partition in range(4) for _, row in worker.rows.items(partition)]
    assert [decode_row(row).is_tombstone for row in rows] == [True]


def test_a_forged_origin_does_not_suppress_the_repartitioned_events_that_follow() -> None:
    worker = a_worker()
    worker.take(CHANNELS.activity, OWNING, [arrived(OWNING, 0, raw(minute=0), origin(f"{ABROAD}/999999999/0"))])

    honest = repartitioned(worker, *(arrived(ABROAD, n, raw(minute=n)) for n in (1, 2)))
    worker.take(CHANNELS.activity, OWNING, [delivered(one, n) for n, one in enumerate(honest, 1)])

    assert (worker.counts.applied, worker.counts.duplicates) == (3, 0)


def test_a_repartitioned_event_of_ours_that_comes_twice_is_known_by_its_origin() -> None:
    worker = a_worker()
    [sent_on] = repartitioned(worker, arrived(ABROAD, 7, raw()))

    worker.take(CHANNELS.activity, OWNING, [delivered(sent_on, 0), delivered(sent_on, 1)])

    assert (worker.counts.applied, worker.counts.duplicates, worker.counts.forged_headers) == (1, 1, 0)


def test_a_repartitioned_event_of_a_version_that_signed_none_is_an_event_like_any_other() -> None:
    worker = a_worker()
    [unsigned] = repartitioned(a_worker(HeaderKeys()), arrived(ABROAD, 7, raw()))

    worker.take(CHANNELS.activity, OWNING, [delivered(unsigned, 0), delivered(unsigned, 1)])

    assert (worker.counts.applied, worker.counts.duplicates, worker.counts.forged_headers) == (1, 1, 2)


def test_an_old_key_stays_valid_beside_a_new_one_that_signs() -> None:
    rotated = HeaderKeys((b"the new key", *KEYS.keys))
    [old] = repartitioned(a_worker(), arrived(ABROAD, 7, raw()))
    [new] = repartitioned(a_worker(rotated), arrived(ABROAD, 7, raw()))

    assert rotated.authentic(delivered(old, 0))
    assert rotated.authentic(delivered(new, 0))
    assert not KEYS.authentic(delivered(new, 0))


SIGNED: Final = delivered(
    Output("in", 2, b"k", b"v", KEYS.sign("in", 2, b"k", b"v", (origin("1/2/0"), (REINSERTED_HEADER, b"x"))), NOW_MS),
    5,
)
CHANGES: Final = {
    "topic": {"topic": "im"},
    "partition": {"partition": 3},
    "key": {"key": b"l"},
    "no key": {"key": None},
    "value": {"value": b"w"},
    "no value": {"value": None},
    "a header less": {"headers": SIGNED.headers[1:]},
    "a header more": {"headers": (*SIGNED.headers, origin("1/3/0"))},
    "another order": {"headers": (SIGNED.headers[1], SIGNED.headers[0], SIGNED.headers[2])},
    "a second signature": {"headers": (*SIGNED.headers, SIGNED.headers[-1])},
    "no signature": {"headers": SIGNED.headers[:-1]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_signature_is_of_one_record_and_its_headers_alone(change: dict[str, object]) -> None:
    assert KEYS.authentic(SIGNED)
    assert not KEYS.authentic(replace(SIGNED, **change))  # type: ignore[arg-type]


def test_a_producers_other_headers_are_not_ours_to_judge() -> None:
    assert KEYS.authentic(replace(SIGNED, headers=(("trace", b"t"), *SIGNED.headers)))
    assert KEYS.authentic(replace(SIGNED, offset=99, timestamp=0))


@given(st.binary(max_size=80))
def test_no_bytes_pass_for_a_signature(signature: bytes) -> None:
    forged = replace(SIGNED, headers=(*SIGNED.headers[:-1], (SIGNATURE_HEADER, signature)))

    assert not KEYS.authentic(forged)


def test_a_signature_of_a_key_that_is_not_known_is_told_from_one_that_is_wrong() -> None:
    lacking = HeaderKeys()

    assert lacking.is_of_another(SIGNED)
    assert not lacking.authentic(SIGNED)
    assert not KEYS.is_of_another(SIGNED)
    assert not KEYS.is_of_another(replace(SIGNED, value=b"w"))
    assert not lacking.is_of_another(replace(SIGNED, headers=(*SIGNED.headers[:-1], (SIGNATURE_HEADER, b"any"))))


def test_keys_do_not_show_themselves() -> None:
    assert "deployment" not in repr(KEYS)
