"""Faust's aiokafka transport, with the batch consumer and an idempotent producer."""

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from faust.transport.drivers import aiokafka as driver
from faust.types.transports import ConsumerCallback, ConsumerT, ProducerT

from agents.delivery.aiokafka.batches import allow_larger_batches
from agents.delivery.aiokafka.fencing import guard_producer
from agents.delivery.aiokafka.rotation import follow_access
from agents.delivery.context import DeliveryContext
from agents.delivery.faust.consumer import BatchConsumer


class IdempotentProducer(driver.Producer):
    """Keeps order and writes once: the broker drops a batch that a retry repeats. Writes only within the fence.

    Private parts of Faust: `_settings_extra`, the only place where producer options can be added; `_new_producer`, to
    put the fence before it; `_ensure_producer`, the only way to aiokafka's producer. Of aiokafka:
    `_message_accumulator._batch_ttl`. An idempotent producer never gives up by itself: `outage` bounds the wait.
    """

    def __init__(self, *args: Any, delivery: DeliveryContext, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fence, self._broker = delivery.fence, delivery.settings.broker

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    def _new_producer(self, transactional_id: str | None = None) -> AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        follow_access(self._broker, producer.client)
        guard_producer(producer, self._fence)
        allow_larger_batches(producer)
        # A batch whose leader is unknown would expire where it waits, though one that was sent never does.
        producer._message_accumulator._batch_ttl = float("inf")
        return producer

    def batch_producer(self) -> AIOKafkaProducer:
        """aiokafka's producer. Raises faust.exceptions.NotReady before the start."""
        return self._ensure_producer()

    async def create_topic(self, topic: str, partitions: int, replication: int, **_options: Any) -> None:
        """Nothing: topics are made by agents.kafka.topics, with explicit settings, before the worker starts."""


class BatchTransport(driver.Transport):
    """Plugs the two in, with what they need of delivery's other parts."""

    def __init__(self, *args: Any, delivery: DeliveryContext) -> None:
        super().__init__(*args)
        self._delivery = delivery

    def create_consumer(self, callback: ConsumerCallback, **options: Any) -> ConsumerT:
        """See Faust."""
        return BatchConsumer(self, callback=callback, loop=self.loop, delivery=self._delivery, **options)

    def create_producer(self, **options: Any) -> ProducerT:
        """See Faust."""
        return IdempotentProducer(self, delivery=self._delivery, **options)
