"""aiokafka's clients log in as is set now. Private to aiokafka 0.14.0: where a client keeps how it connects."""

from aiokafka.client import AIOKafkaClient

from agents.kafka.connection import BrokerAccess
from agents.kafka.rotation import OPEN_CLIENTS


def follow_access(broker: str, client: AIOKafkaClient) -> None:
    """Have the next connections of `client` use what is rotated."""
    OPEN_CLIENTS.add(broker, client, _use_access)


def _use_access(client: AIOKafkaClient, access: BrokerAccess) -> None:
    if access.sasl:
        client._sasl_plain_username, client._sasl_plain_password = access.log_in
    if access.encrypted:
        client._ssl_context = access.tls()
