"""The bound of what a batch unpacks to: never too low, and close enough to let through what producers send."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import cramjam
import pytest
from aiokafka import codec as aiokafka_codec
from hypothesis import given
from hypothesis import strategies as st

from agents.connection import Compression
from agents.delivery.inflation import inflated_bytes

ENOUGH: Final = 1 << 40
BLOCK: Final = 4 * 1024 * 1024
PACK: Final[dict[Compression, Callable[[bytes], bytes]]] = {
    "none": bytes,
    "gzip": aiokafka_codec.gzip_encode,
    "snappy": aiokafka_codec.snappy_encode,
    "lz4": aiokafka_codec.lz4_encode,
    "zstd": aiokafka_codec.zstd_encode,
}

chunks = st.tuples(st.binary(max_size=300), st.integers(1, 3_000)).map(lambda each: each[0] * each[1])


@given(st.sampled_from([*PACK]), st.lists(chunks, max_size=4).map(b"".join))
def test_the_bound_is_never_below_what_it_becomes(codec: Compression, plain: bytes) -> None:
    assert inflated_bytes(codec, PACK[codec](plain), ENOUGH) >= len(plain)


@pytest.mark.parametrize("codec", [*PACK])
def test_the_bound_of_much_is_close(codec: Compression) -> None:
    plain = bytes(range(256)) * 80_000

    assert inflated_bytes(codec, PACK[codec](plain), len(plain)) <= len(plain) + BLOCK


def test_snappy_without_xerials_blocks_and_frames_one_after_another_are_counted() -> None:
    plain = b"skill" * 50_000

    assert inflated_bytes("snappy", bytes(cramjam.snappy.compress_raw(plain)), ENOUGH) == len(plain)
    for codec in ("gzip", "lz4", "zstd"):
        assert inflated_bytes(codec, PACK[codec](plain) * 3, 2 * len(plain)) > 2 * len(plain)


@given(st.sampled_from([*PACK]), st.binary(max_size=400))
def test_what_is_of_no_codec_has_a_bound_or_an_error_that_is_told(codec: Compression, garbage: bytes) -> None:
    with suppress(ValueError):
        assert inflated_bytes(codec, garbage, 1_000) >= 0
