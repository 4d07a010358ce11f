"""The loopback server, and explainers that ask it."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.openai import LoopbackOpenAI
from tests.unit.reasoning.rig import Rig


@pytest.fixture
async def server() -> AsyncIterator[LoopbackOpenAI]:
    async with LoopbackOpenAI() as server:
        yield server


@pytest.fixture
async def rig(server: LoopbackOpenAI) -> AsyncIterator[Rig]:
    async with Rig(server.url) as rig:
        yield rig
