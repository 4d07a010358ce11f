"""Posts the bodies of a file to a gateway again and again, over several connections that are kept open.

Arguments: a file of bodies in base64, a line each, the gateway's port, the path, the content type, a key, how many
events a body has, and how many connections there are. Says each second how many events were answered with 200 since
the first answer, and for how long (s).
"""

import asyncio
import base64
import itertools
import json
import re
import sys
import time
from pathlib import Path

_OK = b"HTTP/1.1 200 "
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


async def main(
    bodies: list[bytes], port: str, path: str, content_type: str, key: str, events: str, connections: str
) -> None:
    """Post until ended."""
    header = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: {content_type}\r\n"
        "X-Experience-API-Version: 1.0.3\r\n"
    )
    requests = [header.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    answered = [0]
    posting = [asyncio.create_task(_post(int(port), requests, answered)) for _ in range(int(connections))]
    while not answered[0]:
        await asyncio.sleep(0.01)
        _raise_failed(posting)
    began, began_s = answered[0], time.monotonic()
    while True:
        await asyncio.sleep(1)
        _raise_failed(posting)
        posted = (answered[0] - began) * int(events)
        print(json.dumps({"posted": posted, "posted_s": time.monotonic() - began_s}), flush=True)  # noqa: T201


async def _post(port: int, requests: list[bytes], answered: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in itertools.cycle(requests):
        writer.write(request)
        header = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(header)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if not header.startswith(_OK):
            raise SystemExit(f"{header[:40]!r}: {body[:500]!r}")
        answered[0] += 1


def _raise_failed(posting: list["asyncio.Task[None]"]) -> None:
    for task in posting:
        if task.done():
            task.result()


if __name__ == "__main__":
    asyncio.run(main([base64.b64decode(text) for text in Path(sys.argv[1]).read_bytes().splitlines()], *sys.argv[2:]))
