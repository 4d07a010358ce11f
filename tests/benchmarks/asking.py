"""Asks a worker's `/inference/batch` again and again: one request after the other, each read to its end.

Arguments: the worker's port, its token, a file with a body in lines, and how many of its lines are asked for at once.
Says after each request how many items were answered since the first, and for how long (s).
"""

import http.client
import json
import sys
import time
from pathlib import Path

PATH = "/inference/batch"


def main(port: str, token: str, body: str, at_once: str) -> None:
    """Ask until ended."""
    lines, size = Path(body).read_bytes().splitlines(keepends=True), int(at_once)
    requests = [b"".join(lines[first : first + size]) for first in range(0, len(lines), size)]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
    headers = {"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {token}"}
    asked, began_s = 0, time.monotonic()
    while True:
        for request in requests:
            connection.request("POST", PATH, request, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.client.OK or not text.endswith(b"}}}\n"):
                raise SystemExit(f"{answer.status}: {text[-500:]!r}")
            asked += request.count(b"\n")
            print(json.dumps({"asked": asked, "asked_s": time.monotonic() - began_s}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
