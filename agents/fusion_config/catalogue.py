"""`skill-catalogue`: written to by workers, read by commands. Blocks."""

from collections.abc import Iterator
from typing import Final

from confluent_kafka import KafkaException

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import read_to_end
from agents.kafka.record import file_record
from schemas.catalogue import CatalogueEntry, encode_entry
from streams.replay import FileRecord

_PARTITION: Final = 0


class CatalogueTopic:
    """Of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self.name = Channels.of(settings).catalogue
        self._broker, self._timeout_s = settings.broker, settings.start_timeout_s

    def publish(self, entry: CatalogueEntry) -> None:
        """Write the entry under its `config_version`; return when the broker has confirmed it.

        Raises BrokerUnavailable, whatever the reason.
        """
        producer = ConfirmedProducer(self._broker)
        try:
            producer.send(self.name, _PARTITION, entry.config_version.encode(), encode_entry(entry))
            why = producer.confirm(self._timeout_s)
        except KafkaException as error:
            why = message_of(error)
        if why is not None:
            raise BrokerUnavailable(f"{self.name}: the entry of {entry.config_version} is not confirmed: {why}")

    def read(self) -> Iterator[FileRecord]:
        """All records, a partition's in their order; none where there is no such topic. Raises BrokerUnavailable,
        TopicForbidden.
        """
        return map(file_record, read_to_end(self._broker, self.name))
