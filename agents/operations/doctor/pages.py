"""The worker's web pages."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok, problem
from agents.web.access import PageAccess


@dataclass(frozen=True, slots=True)
class Pages:
    """Implements Check: the pages may be served, and their address is free."""

    settings: Settings
    name: str = "pages"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Listens for a moment. Raises OpenToNetwork."""
        host, port = self.settings.web_host, self.settings.web_port
        PageAccess(host, self.settings.web_token)
        try:
            asyncio.run(_listen(host, port))
        except OSError as error:
            yield problem(
                f"the web pages can't be served at {host}:{port}: {error.strerror or error}",
                "if a worker runs here already, a second one needs another SKILLSTREAM_WEB_PORT (0: any that is free)",
            )
        else:
            yield ok(f"{host}:{port or 'any port'} is free")


async def _listen(host: str, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, backlog=1)
    server.close()
    await server.wait_closed()
