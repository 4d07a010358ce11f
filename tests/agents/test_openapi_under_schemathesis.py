"""The OpenAPI document under schemathesis: whatever is asked of a worker that runs is answered as the document says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import one_of

from schemas.contract.openapi import openapi
from tests.agents.deployment import Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.contract.test_openapi import role_of
from tests.events import raw

TOKENS: Final = {
    "operator": "an operator's own token",
    "reader": "a reader's own token, 2",
    "inference": "of scoring on demand",
}
DOCUMENT: Final = openapi()
OPERATIONS: Final = [
    (path, method)
    for path, operations in DOCUMENT["paths"].items()
    for method in ("get", "post")
    if method in operations
]
_FEW: Final = 5
_MANY: Final = 25


@pytest.fixture(scope="module")
def worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """One with a student."""
    given_ = {f"{'web' if role == 'operator' else role}_token": token for role, token in TOKENS.items()}
    folder: Path = tmp_path_factory.mktemp("worker")
    with deployed(broker, folder, model="none", queries_per_s=100_000, inference_nice=0, **given_) as made:
        started = made.start()
        started.await_ready()
        made.send([Sent(b"ada", raw("rubric", student="ada", skill="empathy", rating=0.5))])
        made.await_caught_up()
        yield started


@pytest.mark.long
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_the_document_says(worker: WorkerProcess, path: str, method: str) -> None:
    operation: Any = schemathesis.openapi.from_dict(DOCUMENT)[path][method.upper()]
    role = role_of(DOCUMENT["paths"][path][method])
    headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role != "open" else {}

    has_more = "parameters" in DOCUMENT["paths"][path] or method == "post"
    modes = schemathesis.GenerationMode if has_more else [schemathesis.GenerationMode.POSITIVE]

    @given(case=one_of(*(operation.as_strategy(mode) for mode in modes)))
    @settings(max_examples=_MANY if has_more else _FEW, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=worker.url, headers=headers)

    ask()
