"""A Kafka client that is kept over time, and opened anew after a round of questions that failed.

librdkafka remembers leaders and their epochs. After a broker's restart, or any change of a leader, some of its
requests are refused for ever ("Leader epoch is older than broker epoch"): it does not ask again for what is stale. A
fresh client has nothing that could be stale.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

from confluent_kafka import KafkaException

from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, is_forbidden, message_of

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 5.0
_LONGEST_DOUBT_S: Final = 60.0
_ASK_AGAIN_S: Final = 0.1

Client = TypeVar("Client")
Answer = TypeVar("Answer")


class Renewed(Generic[Client]):
    """Opens a client by `open_client` when it is first needed. Safe to use from any thread, by several at once.

    A client that failed is replaced with the next round, but not sooner than the back-off (0.5 s, doubled up to 5 s
    while rounds keep failing, up to 60 s while they are doubted: a part may never be told) after it was opened: until
    then rounds go on with it. A replaced client is closed when the last round that uses it lets go of it.
    """

    def __init__(self, open_client: Callable[[], Client], clock_s: Callable[[], float] = monotonic) -> None:
        self._open = open_client
        self._clock_s = clock_s
        self._lock = Lock()
        self._client: Client | None = None
        self._opened_s = 0.0
        self._wait_s = _FIRST_WAIT_S
        self._failed = False
        self._doubted = False

    @contextmanager
    def round(self) -> Iterator[Client]:
        """A client for one round of questions. Any exception inside is a failure of the client's."""
        client = self._current()
        try:
            yield client
        except BaseException:
            self._note(client, failed=True)
            raise
        self._note(client, failed=False)

    def ask(self, question: Callable[[Client], Answer], what: str, timeout_s: float) -> Answer:
        """The answer, in a round of its own; asked again while there is none. Blocks.

        A topic or a coordinator that has only just moved is not known at once. Raises BrokerUnavailable, naming
        `what`, after `timeout_s`, and at once for what this client may not ask.
        """
        deadline = Deadline(timeout_s)
        while True:
            try:
                with self.round() as client:
                    return question(client)
            except (KafkaException, TimeoutError) as error:
                is_refused = isinstance(error, KafkaException) and is_forbidden(error.args[0])
                if is_refused or deadline.is_over:
                    raise BrokerUnavailable(f"{what}: {message_of(error)}") from error
            deadline.pause(_ASK_AGAIN_S)

    def end(self, close: Callable[[Client], object]) -> None:
        """Close the client that is kept, if there is one; a later round opens another."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            close(client)

    def doubt(self) -> None:
        """Of the round that is under way: the client's answers lack a part. Replace it as if the round had failed."""
        with self._lock:
            self._doubted = True

    def _current(self) -> Client:
        with self._lock:
            now_s = self._clock_s()
            if self._failed and now_s - self._opened_s >= self._wait_s:
                self._client = None
                longest_s = _LONGEST_DOUBT_S if self._doubted else _LONGEST_WAIT_S
                self._wait_s = min(2 * self._wait_s, longest_s)
            if self._client is None:
                self._client, self._opened_s, self._failed = self._open(), now_s, False
            self._doubted = False
            return self._client

    def _note(self, client: Client, *, failed: bool) -> None:
        with self._lock:
            if client is self._client:
                self._failed = failed or self._doubted
                if not self._failed:
                    self._wait_s = _FIRST_WAIT_S
