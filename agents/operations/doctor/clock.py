"""This machine's clock, against other clocks: those of Redis, the model's server, the newest record of the input."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec
from redis.exceptions import RedisError

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.clients import open_admin
from agents.operations.doctor.check import Finding, ok, warning
from streams.limits.redis import connect
from streams.reasoning.model.defaults import BASE_URL

_TOLERATED_S: Final = 2.0
_NEWEST: Final = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
_ADVICE: Final = "let this machine follow a time server (chrony, systemd-timesyncd), or the other one"


@dataclass(frozen=True, slots=True)
class Clock:
    """Implements Check. Kafka itself gives no time: a record from the future does."""

    settings: Settings
    timeout_s: float
    name: str = "clock"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Whoever does not answer is left out: others say that."""
        ahead = {who: seconds for who, seconds in self._differences() if seconds is not None}
        wrong = {who: seconds for who, seconds in ahead.items() if abs(seconds) > _TOLERATED_S}
        for who, seconds in wrong.items():
            yield warning(
                f"{who} is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this clock", _ADVICE
            )
        if not ahead:
            yield ok("nobody tells the time to compare with")
        elif not wrong:
            yield ok(f"within {_TOLERATED_S:g} s of {', '.join(ahead)}")

    def _differences(self) -> Iterator[tuple[str, float | None]]:
        """Whose clock, and by how many seconds it is ahead of this one; None where it gives no time."""
        if self.settings.redis_url and self.settings.reasoning != "off":
            yield "Redis", asyncio.run(_redis_ahead_s(self.settings.redis_url))
        if self.settings.explained_by == "openai":
            yield "the model's server", http_ahead_s(self.settings.openai_base_url or BASE_URL, self.timeout_s / 2)
        yield "the newest record", self._records_ahead_s()

    def _records_ahead_s(self) -> float | None:
        """Records may be as old as they like: only one from the future says something of a clock."""
        admin, topic = open_admin(self.settings.broker), Channels.of(self.settings).activity
        asked = {TopicPartition(topic, partition): _NEWEST for partition in range(self.settings.partitions)}
        newest_ms = 0
        with suppress(KafkaException, TimeoutError):
            if topic not in admin.list_topics(timeout=self.timeout_s / 2).topics:
                return None
            for answer in admin.list_offsets(asked, request_timeout=self.timeout_s / 2).values():
                newest_ms = max(newest_ms, answer.result(self.timeout_s / 2).timestamp)
        ahead_s = newest_ms / 1000 - time.time()
        return ahead_s if ahead_s > 0 else None


async def _redis_ahead_s(url: str) -> float | None:
    with suppress(RedisError, OSError, ValueError):
        async with connect(url) as client:
            asked_s = time.time()
            seconds, microseconds = await client.time()
            return float(seconds + microseconds / 1e6 - (asked_s + time.time()) / 2)
    return None


def http_ahead_s(url: str, timeout_s: float) -> float | None:
    """By the Date header of any answer, to the second; no key is sent."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=timeout_s) as answer:
            stated = answer.headers.get("Date")
    except HTTPError as refused:
        with refused:
            stated = refused.headers.get("Date")
    except (OSError, ValueError):
        return None
    with suppress(ValueError, TypeError):
        return _beyond(parsedate_to_datetime(stated or ""), time.time())
    return None


def _beyond(stated: datetime, now_s: float) -> float:
    """The header leaves out the fraction of its second."""
    behind_s = now_s - stated.timestamp()
    return 0.0 if 0 <= behind_s < 1 else -behind_s
