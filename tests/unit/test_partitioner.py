"""Known answers of the partitioners, against the clients that producers use."""

import random

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from confluent_kafka import Message, Producer
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from streams.input.partitioner import Crc32, Murmur2, PartitionerName, crc32, murmur2, partitioner
from streams.input.placement import KeyPlacement, murmur2_of, owning_partitions

# Apache Kafka's own test vectors (clients' UtilsTest.testMurmur2), there as signed 32-bit integers.
KAFKA_VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS)
def test_murmur2_gives_kafkas_own_answers(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=200))
def test_murmur2_agrees_with_aiokafka_for_any_key(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) % 2**32


@given(st.lists(st.binary(max_size=20), max_size=8), st.integers(1, 64))
def test_many_keys_are_placed_as_each_alone(keys: list[bytes], partitions: int) -> None:
    many = [*keys, *(b"student %d" % number for number in range(60))]
    for rule in ("murmur2", "crc32", "unchecked"):
        placement = KeyPlacement(partitioner(rule), partitions)
        assert owning_partitions(placement, keys) == [placement(key) for key in keys]
        assert owning_partitions(placement, many) == [placement(key) for key in many]
    assert murmur2_of(many).tolist() == [murmur2(key) for key in many]


@settings(deadline=None)  # the machine may be busy
@given(st.binary(min_size=1, max_size=64), st.integers(1, 64))
def test_the_murmur2_home_is_where_aiokafka_puts_the_key(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    assert Murmur2().owning_partition(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


@pytest.mark.parametrize(
    ("rule", "name"), [("murmur2", "murmur2"), ("consistent", "crc32"), ("consistent_random", "crc32")]
)
def test_the_home_is_where_librdkafka_puts_the_key(rule: str, name: PartitionerName) -> None:
    rng = random.Random(7)
    keys = [rng.randbytes(rng.randint(1, 40)) for _ in range(300)]
    placed: dict[bytes, int] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        placed[message.key() or b""] = message.partition() or 0

    with EmbeddedBroker() as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": rule, "log_level": 0})
        for key in keys:
            producer.produce("keys", key=key, value=b"", on_delivery=delivered)
        producer.flush()

    rule_here = partitioner(name)
    assert placed == {key: rule_here.owning_partition(key, PARTITIONS) for key in keys}


def test_the_two_rules_mostly_disagree_so_the_setting_matters() -> None:
    keys = [b"student-%d" % number for number in range(2_000)]
    agree = sum(Murmur2().owning_partition(key, 4) == Crc32().owning_partition(key, 4) for key in keys)
    assert 0.2 < agree / len(keys) < 0.3


def test_crc32_is_unsigned_and_known() -> None:
    assert crc32(b"123456789") == 0xCBF43926


def test_unchecked_has_no_home() -> None:
    assert partitioner("unchecked").owning_partition(b"any", 4) is None
