"""Why a broker that is away does not let a running worker in: its clients say only that it does not answer."""

import asyncio
from typing import Final

from confluent_kafka import KafkaException

from agents.delivery.outage import Outage
from agents.kafka.clients import open_first_admin
from agents.kafka.connection import access_of

_EVERY_S: Final = 2.0
_LOOK_S: Final = 2.0


async def watch_refusals(broker: str, outage: Outage) -> None:
    """Explain outages, until cancelled; returns at once where nobody is asked who they are."""
    while access_of(broker).security != "plaintext":
        await asyncio.sleep(_EVERY_S)
        if outage.reason is not None and (refusal := await asyncio.to_thread(_refusal, broker)) is not None:
            outage.explain(refusal)


def _refusal(broker: str) -> str | None:
    """None where this client is let in, or nobody is there."""
    admin = open_first_admin(broker)
    try:
        admin.list_topics(timeout=_LOOK_S)
    except KafkaException:
        return admin.refusal()
    return None
