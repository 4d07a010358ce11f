"""Faust's aiokafka transport, with the batch consumer and an idempotent producer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from aiokafka import AIOKafkaProducer
from faust.transport.drivers import aiokafka as driver
from faust.types.transports import ConsumerT, ProducerT

from agents.delivery.consumer import BatchConsumer
from agents.delivery.fencing import guard_producer

if TYPE_CHECKING:
    from agents.delivery.app import DeliveryApp


class IdempotentProducer(driver.Producer):
    """Keeps order and writes once: the broker drops a batch that a retry repeats. Writes only within the fence.

    Private parts of Faust: `_settings_extra`, the only place where producer options can be added; `_new_producer`, to
    put the fence before it; `_ensure_producer`, the only way to aiokafka's producer. Of aiokafka:
    `_message_accumulator._batch_ttl`. An idempotent producer never gives up by itself: `outage` bounds the wait.
    """

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    def _new_producer(self, transactional_id: str | None = None) -> AIOKafkaProducer:
        producer = super()._new_producer(transactional_id)
        guard_producer(producer, cast("DeliveryApp", self.app).fence)
        # A batch whose leader is unknown would expire where it waits, though one that was sent never does.
        producer._message_accumulator._batch_ttl = float("inf")
        return producer

    def batch_producer(self) -> AIOKafkaProducer:
        """aiokafka's producer. Raises faust.exceptions.NotReady before the start."""
        return self._ensure_producer()

    async def create_topic(self, topic: str, partitions: int, replication: int, **_options: Any) -> None:
        """Nothing: topics are made by agents.kafka.topics, with explicit settings, before the worker starts."""


class BatchTransport(driver.Transport):
    """Plugs the two in."""

    Consumer: ClassVar[type[ConsumerT]] = BatchConsumer
    Producer: ClassVar[type[ProducerT]] = IdempotentProducer
