"""The bound of what a batch unpacks to: never too low, and close enough to let through what producers send."""

import zlib
from collections.abc import Callable
from contextlib import suppress
from random import Random
from types import SimpleNamespace
from typing import Final

import cramjam
import pytest
from aiokafka import codec as aiokafka_codec
from hypothesis import given
from hypothesis import strategies as st

from agents.kafka.connection import Compression
from agents.kafka.inflation import inflated_bytes

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


def test_members_of_gzip_are_counted_wherever_pieces_of_them_end() -> None:
    plain = [Random(n).randbytes(n * 1_000) + bytes(n * 70_000) for n in range(40)]
    packed = b"".join(map(PACK["gzip"], plain)) + PACK["gzip"](b"") * 1_000

    assert inflated_bytes("gzip", packed, len(packed) * 1_000) == sum(map(len, plain))


def test_a_batch_of_empty_members_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = [0]

    class Counting:
        def __init__(self, bits: int) -> None:
            self._inner = zlib.decompressobj(bits)

        def decompress(self, piece: bytes, most: int) -> bytes:
            handed[0] += len(piece)
            return self._inner.decompress(piece, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    monkeypatch.setattr("agents.kafka.inflation.zlib", SimpleNamespace(decompressobj=Counting, error=zlib.error))
    empty = PACK["gzip"](b"")

    assert inflated_bytes("gzip", empty * 10_000, 1_000) == 0
    assert handed[0] <= 10_000 * 16 * 1024, "grows with what is left of the batch, not with what a member is"


@given(st.sampled_from([*PACK]), st.binary(max_size=400))
def test_what_is_of_no_codec_has_a_bound_or_an_error_that_is_told(codec: Compression, garbage: bytes) -> None:
    with suppress(ValueError):
        assert inflated_bytes(codec, garbage, 1_000) >= 0
