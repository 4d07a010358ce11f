"""The keys under which one student may have events, by the platform's topic `identities`, which may be absent.

    key: another id of the student, such as an account or a mail address    value: {"student_id": the id of the events}

Compacted: the newest record of a key counts, a null value removes it.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from agents.config.settings import Settings
from agents.kafka.reader import read_to_end
from schemas.event import MAX_IDENTIFIER_CHARS

TOPIC: Final = "identities"


class StudentIdentity(Struct, frozen=True):
    """Whose another id is."""

    student_id: Annotated[str, Meta(min_length=1, max_length=MAX_IDENTIFIER_CHARS)]


def keys_of_student(settings: Settings, student: str) -> tuple[str, ...]:
    """The id of the events first, then all others that are the same student's; `student` alone where nothing is known.

    Blocks. Raises BrokerUnavailable, TopicForbidden.
    """
    student_of: dict[str, str] = {}
    for message in read_to_end(settings.broker, settings.topic(TOPIC)):
        try:
            other = (message.key() or b"").decode()
            value = message.value()
            if value is None:
                student_of.pop(other, None)
            else:
                student_of[other] = msgspec.json.decode(value, type=StudentIdentity).student_id
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # names nobody
    native = student_of.get(student, student)
    others = sorted(other for other, of in student_of.items() if of == native and other not in ("", native))
    return tuple(dict.fromkeys((native, *others, student)))
