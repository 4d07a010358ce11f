"""The secrets of a worker that are looked at again while it runs, and who is told when one is rotated."""

from typing import Final

from msgspec import structs

from agents.config.secret_settings import ROTATED, STORED_ELSEWHERE, held_in
from agents.config.settings import Settings
from agents.kafka.rotation import OPEN_CLIENTS
from agents.secrets.rotation import Rotation

_OF_BROKER: Final = frozenset({"broker_user", "broker_password"})


def secret_rotation(settings: Settings) -> Rotation:
    """Of one worker. Whoever calls OpenAI or connects to Redis asks for the secret of now; Kafka's clients are told."""
    return Rotation(held_in(structs.asdict(settings)), _tell_clients, frozenset(STORED_ELSEWHERE) - ROTATED)


def _tell_clients(rotated: frozenset[str]) -> None:
    if rotated & _OF_BROKER:
        OPEN_CLIENTS.log_in_anew()
