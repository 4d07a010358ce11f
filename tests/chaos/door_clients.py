"""Clients of the gateway that never give up: whatever is not answered, or with 429 or 503, they send again as it was.

What was taken and what was refused they note by the events' ids, which are UUIDs.
"""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

import orjson

from tests.chaos.door_batches import LANGUAGES, Batch
from tests.gateways import NORTH, NORTH_KEY, SOUTH, SOUTH_KEY, bearer

AGAIN: Final = (429, 503)
"""What a client may send again."""
_TIMEOUT_S: Final = 30.0
_PAUSE_S: Final = 0.2
_MOST_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and the document beside it."""

    status: int
    document: Any


@dataclass
class Clients:
    """A context, in which the clients of two tenants send all that the gateway takes; then each ends with an answer.

    `statuses` counts answers, and as 0 what was not answered.
    """

    port: int
    taken: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _given_up: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Clients":
        for home, foreign, key in ((NORTH, SOUTH, NORTH_KEY), (SOUTH, NORTH, SOUTH_KEY)):
            for language in LANGUAGES:
                batches = language.batches(home, foreign)
                thread = threading.Thread(target=self._send_all, args=(batches, key), daemon=True)
                self._threads.append(thread)
                thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._over.set()
        if kind is not None:
            self._given_up.set()
        for thread in self._threads:
            thread.join(_MOST_S)
        if kind is None:
            assert not any(thread.is_alive() for thread in self._threads), "a client is not answered"
            assert not self.faults, self.faults[:3]

    def _send_all(self, batches: Iterator[Batch], key: str) -> None:
        while not self._over.is_set():
            batch = next(batches)
            answer = self._answered(batch, key)
            if self._given_up.is_set():
                return
            if answer.status != batch.status:
                self.faults.append(f"{batch.path}: {answer.status}, {batch.status} was due: {answer.document}")
                return
            self.taken.update({*batch.ids} - batch.refused)
            self.refused.update(batch.refused)
            time.sleep(_PAUSE_S / 2)

    def _answered(self, batch: Batch, key: str) -> Answer:
        while True:
            answer = _post(self.port, batch, key)
            self.statuses[answer.status] += 1
            if (answer.status and answer.status not in AGAIN) or self._given_up.is_set():
                return answer
            time.sleep(_PAUSE_S)


def _post(port: int, batch: Batch, key: str) -> Answer:
    """The status is 0 where nothing is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", batch.path, batch.body, {**batch.headers, **bearer(key)})
        response = connection.getresponse()
        return Answer(response.status, orjson.loads(response.read() or b"null"))
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return Answer(0, None)
    finally:
        connection.close()
