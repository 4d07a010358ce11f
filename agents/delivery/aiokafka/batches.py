"""Lets aiokafka make a record batch that is larger than `max_batch_size`. Private to aiokafka 0.14.0.

`AIOKafkaProducer.create_batch` takes no size: the producer's own is that of its `_message_accumulator`, whose builder,
`BatchBuilder`, grows as it is filled, and heeds its size only to refuse what does not fit.
"""

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder


def allow_larger_batches(producer: AIOKafkaProducer) -> None:
    """Have `create_batch` take the size in bytes that a batch must have room for; without one it is the producer's."""
    create, accumulator = producer.create_batch, producer._message_accumulator

    def create_batch(size_bytes: int = 0) -> BatchBuilder:
        if size_bytes <= accumulator._batch_size:
            return create()
        return BatchBuilder(size_bytes, accumulator._compression_type)

    producer.create_batch = create_batch
