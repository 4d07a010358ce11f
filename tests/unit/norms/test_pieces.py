"""Norms in pieces: whole again from any order of them, never from those of two."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.norms.pieces import PIECE_BYTES, Piece, Pieces, pieces_of
from streams.norms.records import ITEM
from streams.norms.sealed import NormsUnreadable
from streams.norms.snapshot import NormSnapshot
from tests.norms import APP_ID, snapshot_of


def snapshot(items: int, number: int = 1) -> NormSnapshot:
    records = np.zeros(items, ITEM)
    records["code"] = np.arange(items)
    return replace(snapshot_of(number=number), items=records)


LONG, SHORT = snapshot(20_000), snapshot(8_000, 2)
"""Of four pieces, and of two."""


def read(*pieces: Piece) -> list[bytes]:
    """What is whole after each of these records."""
    held = Pieces()
    return [whole for each in pieces if (whole := held.put(Piece.decode(each.encode()))) is not None]


def test_pieces_fit_into_records_and_are_whole_again_in_any_order() -> None:
    pieces = pieces_of(LONG.encode())

    assert len(pieces) == 4
    assert max(len(each.content) for each in pieces) == PIECE_BYTES
    for seed in range(5):
        assert read(*Random(seed).sample(pieces, len(pieces))) == [LONG.encode()]
    assert NormSnapshot.decode(read(*pieces)[0], APP_ID).version == LONG.version


def test_nothing_is_whole_while_a_piece_is_missing() -> None:
    assert read(*pieces_of(LONG.encode())[1:]) == []


def test_pieces_of_a_longer_older_one_are_passed_over() -> None:
    older, newer = pieces_of(LONG.encode()), pieces_of(SHORT.encode())

    assert read(*older, *newer) == [LONG.encode(), SHORT.encode()]
    assert read(*older[2:], *newer) == [SHORT.encode()]


def test_two_that_are_sent_at_once_are_never_mixed() -> None:
    one, other = pieces_of(LONG.encode()), pieces_of(snapshot(20_000, 3).encode())

    mixed = [piece for pair in zip(one, other, strict=True) for piece in pair]
    assert set(read(*mixed)) <= {LONG.encode(), snapshot(20_000, 3).encode()}
    assert read(*one[:2], *other[2:]) == []


@given(st.binary(max_size=100))
def test_what_is_no_piece_is_refused(garbage: bytes) -> None:
    with pytest.raises(NormsUnreadable):
        Piece.decode(garbage)


def test_a_piece_beyond_the_last_is_refused() -> None:
    with pytest.raises(NormsUnreadable, match="piece 2 of 2"):
        Piece.decode(Piece(2, 2, bytes(32), b"").encode())


def test_a_piece_of_more_than_a_whole_can_have_is_refused() -> None:
    with pytest.raises(NormsUnreadable) as caught:
        Piece.decode(Piece(0, 2**32 - 1, bytes(32), b"").encode())
    assert caught.value.reason == "too_large"
