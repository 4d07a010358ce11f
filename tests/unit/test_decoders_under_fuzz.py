"""Decoders never raise, whatever they are given (see tests/fuzz)."""

from random import Random
from typing import Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import mutated
from tests.fuzz.oracle import check
from tests.fuzz.seeds import DOCUMENTS, HEADERS, record

DIALECTS: Final = sorted(DOCUMENTS)
EVERY: Final = [document for documents in DOCUMENTS.values() for document in documents]
_quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_mutation_begins_with_is_valid(dialect: str) -> None:
    for document in DOCUMENTS[dialect]:
        decoded = check(record(orjson.dumps(document)))
        assert decoded.events
        assert not decoded.invalid
    assert check(record(orjson.dumps({"item_id": "q1", "score": 1}), HEADERS[2])).events


@pytest.mark.parametrize("dialect", DIALECTS)
@_quick
@given(rng=st.randoms(use_true_random=False))
def test_mutated_documents_raise_nothing(dialect: str, rng: Random) -> None:
    for _ in range(4):
        document = mutated(rng.choice(DOCUMENTS[dialect]), EVERY, rng)
        check(record(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS), rng.choice(HEADERS)))


@_quick
@given(value=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_bytes_raise_nothing(value: bytes) -> None:
    for headers in HEADERS:
        check(record(value, headers))


@_quick
@given(
    names=st.lists(st.sampled_from([name for name, _ in HEADERS[2]]) | st.text(max_size=5), max_size=12),
    value=st.none() | st.binary(max_size=50) | st.text(max_size=50).map(str.encode),
)
def test_random_headers_raise_nothing(names: list[str], value: Any) -> None:
    check(record(b'{"item_id":"q1","score":1}', tuple((name, value) for name in names)))
    check(record(b"{}", (*((name, value) for name in names), *HEADERS[2])))
