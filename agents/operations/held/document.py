"""Everything that the topics hold of one student, as one document: what was received, what is stored, what was said."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from confluent_kafka import Message

from agents.config.channels import Channels
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.errors import NoSuchTopic
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from agents.operations.dead_letters.stored import stored_dead_letter
from agents.operations.held.row_document import row_document
from agents.tenants.topic import tenant_decoding
from schemas.dialects import Decode, Record
from schemas.erasure import read_acceptance

_SAID: Final = {"update": "updates", "history": "history", "explanation": "reasoning"}
"""Parts of the document, and the topics of which the newest message is all there is."""

_Document = dict[str, Any]


class HeldOfStudent:
    """Of a student, by the key of the events. Blocks. Raises BrokerUnavailable, TopicForbidden."""

    def __init__(self, settings: Settings, student: str) -> None:
        self._settings = settings
        self._student = student
        self._key = student.encode()
        self._channels = Channels.of(settings)

    def document(self) -> _Document:
        """All there is, topic by topic; what is not there is null or empty. Reads all topics from their beginning."""
        channels, found = self._channels, self._newest
        row = found(changelog_of(self._settings).name)
        attention = self._of_key(channels.attention) if channels.attention else ()
        return {
            "row": None if row is None or row.value() is None else row_document(row.value() or b""),
            **{part: _json(found(getattr(channels, topic))) for part, topic in _SAID.items()},
            "attention": [_json(message) for message in attention if message.value() is not None],
            "events": list(self._events()),
            "results": [_json(message) for message in self._of_key(channels.results)],
            "dead_letters": list(self._dead_letters()),
            "erasures": [_erasure(message) for message in self._of_key(channels.erasures)],
        }

    def _newest(self, topic: str) -> Message | None:
        newest = None
        for message in self._of_key(topic):
            newest = message
        return newest

    def _of_key(self, topic: str) -> Iterator[Message]:
        return (message for message in self._all(topic) if message.key() == self._key)

    def _events(self) -> Iterator[_Document]:
        """Records with an event of the student's, wherever they lie; of one with others' too, only the student's."""
        decode = tenant_decoding(self._settings) or decoder_of(self._settings)
        for message in self._all(self._channels.activity):
            record = file_record(message)
            mine = self._mine(record, decode)
            if mine:
                yield {**_position(message), "events": mine, "headers": [name for name, _ in record.headers]}

    def _mine(self, record: Record, decode: Decode) -> list[object]:
        events = decode(record).events
        return [msgspec.to_builtins(event) for event in events if event.student_id == self._student]

    def _dead_letters(self) -> Iterator[_Document]:
        """Those under the student's key, or its hash: of others nobody can say whose they are."""
        keys = {self._key, *(each.text for each in Keyring(self._settings).open_as_allowed().hashes_of(self._key))}
        for message in self._all(self._channels.dead_letters):
            stored = stored_dead_letter(message)
            if stored.key in keys:
                value = None if stored.is_redacted else (stored.value or b"").decode("utf-8", "replace")
                said = {"redacted": True} if stored.is_redacted else {}
                yield {**_position(message), "of": stored.source, "reason": stored.reason, "value": value, **said}

    def _all(self, topic: str) -> Iterator[Message]:
        settings = self._settings
        with TopicReader(settings.broker, topic, f"{settings.app_id}-person", settings.start_timeout_s) as reader:
            try:
                spans = reader.spans()
            except NoSuchTopic:
                return
            for partition, (start, end) in spans.items():
                yield from reader.read(partition, start, end)


def sizes_of_parts(document: Mapping[str, Any]) -> dict[str, int]:
    """How many records each part of the document holds."""
    return {name: len(part) if isinstance(part, list) else int(part is not None) for name, part in document.items()}


def _position(message: Message) -> _Document:
    at = datetime.fromtimestamp(message.timestamp()[1] / 1_000, UTC).isoformat(timespec="milliseconds")
    return {"partition": message.partition(), "offset": message.offset(), "at": at}


def _json(message: Message | None) -> object:
    """What a message says; of what is no JSON, its text."""
    if message is None or message.value() is None:
        return None
    try:
        return msgspec.json.decode(message.value() or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (message.value() or b"").decode("utf-8", "replace")


def _erasure(message: Message) -> _Document:
    record = file_record(message)
    accepted = read_acceptance(record.value, record.headers)
    return {**_position(message), "accepted": None if accepted is None else msgspec.to_builtins(accepted)}
