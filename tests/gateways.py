"""A gateway under test: its tenants, what its clients send, and what they are answered."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aiohttp
import orjson

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.config.tenants import Tenants, hash_of
from agents.gateway.run import Gateway
from agents.kafka.topics import ensure_topics
from streams.replay import FileRecord
from tests.agents.topic_reader import PARTITIONS, read_topic

NORTH_KEY: Final = "skg_of-the-north-and-of-nobody-else"
SOUTH_KEY: Final = "skg_of-the-south-and-of-nobody-else"
NORTH: Final = "https://north.example/"
SOUTH: Final = "https://south.example/"
XAPI: Final = {"Content-Type": "application/json", "X-Experience-API-Version": "1.0.3"}
NDJSON: Final = {"Content-Type": "application/x-ndjson"}
JSON: Final = {"Content-Type": "application/json"}


def tenants_file(folder: Path) -> Path:
    """Two tenants, each with students of its own."""
    path = folder / "tenants.toml"
    path.write_text(
        "".join(
            f'[tenants.{name}]\nstudents = "{students}"\ngateway_keys = ["{hash_of(key)}"]\n'
            f'signing_keys = ["{name} signs with a key that nobody guesses"]\n'
            for name, students, key in (("north", NORTH, NORTH_KEY), ("south", SOUTH, SOUTH_KEY))
        )
    )
    return path


def bearer(key: str = NORTH_KEY) -> dict[str, str]:
    """The header by which a tenant is known."""
    return {"Authorization": f"Bearer {key}"}


def actor(name: str, home: str = NORTH) -> dict[str, Any]:
    """A student's account."""
    return {"account": {"homePage": home, "name": name}}


def ndjson(events: Iterable[Mapping[str, Any]]) -> bytes:
    """A body for `/events`."""
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


@dataclass(frozen=True, slots=True)
class Answered:
    """A status, and the document beside it, if there is one."""

    status: int
    document: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A gateway that answers, and a client without a key."""

    gateway: Gateway
    settings: Settings
    client: aiohttp.ClientSession

    async def post(self, path: str, body: Any, headers: Mapping[str, str], key: str = NORTH_KEY) -> Answered:
        """What is answered to a body; what is not bytes is sent as JSON."""
        return await self.request("POST", path, body, {**bearer(key), **headers})

    async def request(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answered:
        """The same, of any method, without a key."""
        sent = None if body is None else BytesIO(body if isinstance(body, bytes) else orjson.dumps(body))
        async with self.client.request(method, path, data=sent, headers=headers) as response:
            text = await response.read()
            said = orjson.loads(text) if response.content_type == "application/json" and text else None
            return Answered(response.status, said, response.headers)

    async def stored(self) -> list[FileRecord]:
        """All that is on the input topic."""
        return await asyncio.to_thread(read_topic, self.settings.broker, Channels.of(self.settings).activity)

    @property
    def tenants(self) -> Tenants:
        """As the gateway has them."""
        return Tenants.of(self.settings)


@asynccontextmanager
async def opened(
    broker: str, folder: Path, trusted: ssl.SSLContext | None = None, **given: Any
) -> AsyncIterator[Opened]:
    """A gateway with a topic of its own, until the context ends; then it has stopped in good order."""
    settings = Settings(
        **{
            "broker": broker,
            "partitions": PARTITIONS,
            "topic_prefix": f"g{uuid4().hex[:8]}.",
            "gateway_port": 0,
            "tenants": str(tenants_file(folder)),
            **given,
        }
    )
    channels = Channels.of(settings)
    activity = [spec for spec in channels.specs(settings) if spec.name == channels.activity]
    await asyncio.to_thread(ensure_topics, broker, activity)
    gateway = Gateway(settings)
    serving = asyncio.create_task(gateway.serve())
    connector = aiohttp.TCPConnector(ssl=trusted if trusted is not None else True)
    try:
        async with aiohttp.ClientSession(gateway.url, connector=connector) as client:
            yield Opened(gateway, settings, client)
    finally:
        gateway.stop()
        await serving
        gateway.close()
