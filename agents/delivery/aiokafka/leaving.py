"""Leaving the group in bounded time, whatever the group waits for. All of it is private to aiokafka 0.14.0.

`GroupCoordinator.close` waits for a join that is under way, which the broker answers when every other member has
joined: up to the rebalance timeout. A connection's requests are answered in turn, so the request to leave would queue
behind that join: it goes over another connection.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

_CLOSE_S: Final = 3.0
_LEAVE_S: Final = 2.0
_log = logging.getLogger(__name__)


async def leave(consumer: AIOKafkaConsumer) -> None:
    """Leave the consumer's group, before it is stopped: in good order, or after a few seconds by giving up its join."""
    coordinator = consumer._coordinator
    if not isinstance(coordinator, GroupCoordinator):
        return
    closing = asyncio.create_task(coordinator.close())
    await asyncio.wait([closing], timeout=_CLOSE_S)
    if not closing.done():
        _log.info("Leaving a group that waits for other members")
        await _leave_at_once(coordinator)
        closing.cancel()
        await asyncio.wait([closing], timeout=_CLOSE_S)


async def _leave_at_once(coordinator: GroupCoordinator) -> None:
    """Tell the broker, unless the membership is static: that one is kept for whoever comes back under its name."""
    node = coordinator.coordinator_id
    if node is None or not coordinator.member_id or coordinator._group_instance_id is not None:
        return
    request = LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
    with suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(coordinator._client.send(node, request), _LEAVE_S)
