"""Each example of the OpenAPI document, asked of a worker that runs, is answered as it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest

from schemas.contract.openapi import openapi
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.contract.test_openapi import DOCUMENT, role_of, validator
from tests.events import raw

_TOKENS: Final = {
    "operator": "an operator's own token",
    "reader": "a reader's own token, 2",
    "inference": "of scoring on demand",
}
_TIMEOUT_S: Final = 60.0


def examples() -> Iterator[tuple[str, str, dict[str, Any], str, bytes | None]]:
    """Method, path, operation, and of each body its type and bytes."""
    for path, operations in DOCUMENT["paths"].items():
        names = {each["name"]: each["example"] for each in operations.get("parameters", ()) if "example" in each}
        filled = path.format(**names)
        for method in ("get", "post"):
            operation = operations.get(method)
            if operation is None:
                continue
            bodies = operation.get("requestBody", {}).get("content", {"": {}})
            for media, content in bodies.items():
                example = content.get("example")
                body = example.encode() if isinstance(example, str) else orjson.dumps(example) if media else None
                yield method, filled, operation, media, body


def ask(
    worker: WorkerProcess, method: str, path: str, role: str, media: str, body: bytes | None
) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {_TOKENS[role]}"} if role != "open" else {}
    request = Request(
        worker.url + path, body, headers | ({"Content-Type": media} if media else {}), method=method.upper()
    )
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.headers.get_content_type(), refused.read()


@pytest.mark.long
def test_each_example_is_answered_by_every_worker(broker: str, tmp_path: Path) -> None:
    tokens = {
        "web_token": _TOKENS["operator"],
        "reader_token": _TOKENS["reader"],
        "inference_token": _TOKENS["inference"],
        "inference_nice": 0,  # a busy machine would take its time
    }
    with deployed(broker, tmp_path, reasoning="scripted", peer_timeout_s=30.0, **tokens) as deployment:
        workers = [deployment.start(), deployment.start()]
        for worker in workers:
            worker.await_ready()
        deployment.send(
            Sent(b"ada", raw(kind, minute=minute, event_id=f"{kind}-{minute}"))
            for minute in range(30)
            for kind in ("attempt", "failure", "retry", "control")
        )
        until(lambda: bool(deployment.explanations()), "something is explained")
        deployment.await_caught_up()

        for worker in workers:
            for method, path, operation, media, body in examples():
                status, content_type, answer = ask(worker, method, path, role_of(operation), media, body)
                assert status == 200, (method, path, answer)
                content = operation["responses"]["200"]["content"]
                assert content_type in content
                said = orjson.loads(answer) if content_type == "application/json" else answer.decode()
                errors = list(validator(content[content_type]["schema"]).iter_errors(said))
                assert errors == [], (path, errors[0].message)
            _, _, served = ask(worker, "get", "/openapi.json", "open", "", None)
            assert orjson.loads(served) == openapi()
