"""aiokafka's clients log in by the user and password of now. Private to aiokafka 0.14.0: where a client keeps them."""

from aiokafka.client import AIOKafkaClient

from agents.kafka.rotation import OPEN_CLIENTS


def follow_credentials(broker: str, client: AIOKafkaClient) -> None:
    """Have the next connections of `client` use what is rotated."""
    OPEN_CLIENTS.add(broker, client, _log_in_as)


def _log_in_as(client: AIOKafkaClient, user: str, password: str) -> None:
    client._sasl_plain_username, client._sasl_plain_password = user, password
