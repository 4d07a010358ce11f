"""Large dead letters are packed, and come back to the last byte; small ones are what came."""

from random import Random
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, from_headers, with_own_headers
from schemas.dead_letter_packing import MAX_UNPACKED_BYTES, PLAIN_BYTES, NotPacked, pack, unpack
from tests.events import record, stored_dead_letter

LARGEST: Final = 12 * 1024 * 1024
DEAD_LETTER: Final = stored_dead_letter(record(b"x"))
NOISE: Final = Random(1).randbytes(200_000)


def sent(dead_letter: DeadLetter) -> DeadLetter:
    """As it is read from the topic."""
    return from_headers(with_own_headers(dead_letter, ()))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"ada", b"x" * 13_000_000),
        (b"ada", b"x" * (PLAIN_BYTES + 1)),
        (None, b"[" * 2_000_000),
        (b"k" * 13_000_000, b"{}"),
        (b"k" * 13_000_000, b""),
        (b"k" * 13_000_000, None),
        (b"k" * 100_000, b"v" * 100_000),
    ],
)
def test_a_large_one_is_kept_whole_and_small(key: bytes | None, value: bytes | None) -> None:
    packed = pack(DEAD_LETTER, key, value, LARGEST)

    assert packed.dead_letter.encoding == "zstd"
    assert len(packed.key or b"") + len(packed.value or b"") < 10_000
    assert packed.dead_letter.cut_bytes == 0
    assert unpack(sent(packed.dead_letter), packed.key, packed.value) == (key, value)


@pytest.mark.parametrize(("key", "value"), [(b"ada", b"{"), (None, None), (b"", b"x" * PLAIN_BYTES), (b"k", NOISE)])
def test_a_small_one_and_what_packs_no_smaller_stays_as_it_came(key: bytes | None, value: bytes | None) -> None:
    packed = pack(DEAD_LETTER, key, value, LARGEST)

    assert (packed.dead_letter, packed.key, packed.value) == (DEAD_LETTER, key, value)
    assert unpack(sent(packed.dead_letter), packed.key, packed.value) == (key, value)


@given(
    key=st.none() | st.binary(max_size=40).flatmap(lambda part: st.integers(0, 9_000).map(lambda n: part * n)),
    value=st.none() | st.binary(max_size=40).flatmap(lambda part: st.integers(0, 9_000).map(lambda n: part * n)),
)
def test_whatever_it_was_it_comes_back(key: bytes | None, value: bytes | None) -> None:
    packed = pack(DEAD_LETTER, key, value, LARGEST)

    assert unpack(sent(packed.dead_letter), packed.key, packed.value) == (key, value)
    assert len(packed.key or b"") + len(packed.value or b"") <= max(PLAIN_BYTES, len(key or b"") + len(value or b""))


def test_what_is_too_large_even_packed_is_cut_off_and_says_so() -> None:
    packed = pack(DEAD_LETTER, b"ada", NOISE, 100_000)

    assert (packed.key, packed.value) == (b"ada", NOISE[: 100_000 - 3])
    assert packed.dead_letter.cut_bytes == len(NOISE) + 3 - 100_000
    assert not packed.dead_letter.encoding


def test_a_dead_letter_that_is_packed_again_says_only_how_it_is_packed_now() -> None:
    once = pack(DEAD_LETTER, b"k" * 100_000, b"x", LARGEST)

    again = pack(once.dead_letter, b"ada", b"x", LARGEST)

    assert again.dead_letter == DEAD_LETTER


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"unpacked_bytes": 99_999}, None),
        ({"unpacked_bytes": 100_001}, None),
        ({"unpacked_bytes": MAX_UNPACKED_BYTES + 1}, None),
        ({}, b"no frame"),
        ({}, b""),
    ],
)
def test_what_is_not_as_its_headers_say_is_refused_and_fills_no_memory(
    said: dict[str, int], value: bytes | None
) -> None:
    packed = pack(DEAD_LETTER, b"ada", b"x" * 100_000, LARGEST)
    dead_letter = msgspec.structs.replace(packed.dead_letter, **said)

    with pytest.raises(NotPacked):
        unpack(dead_letter, packed.key, packed.value if value is None else value)
