"""Whose another id is, for commands: by the platform's topic `identities`, which may be absent. Blocks."""

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.config.tenants import Tenants
from agents.kafka.reader import read_to_end
from schemas.topics import IDENTITIES
from streams.input.identities import IdentityMap


def keys_of_student(settings: Settings, student: str) -> tuple[str, ...]:
    """The student's own id first, then all others that lead to it; `student` alone where nothing is known.

    Raises SettingsError, BrokerUnavailable, TopicForbidden.
    """
    return tuple(key.decode() for key in _known(settings).keys_of(student.encode()))


def named_student(settings: Settings, student: str) -> str:
    """The student's own id, by any; `student` alone where SKILLSTREAM_IDENTITIES_MB is not set: it may be that nobody
    may read the topic. Raises as `keys_of_student`.
    """
    if not Channels.of(settings).identities:
        return student
    return _known(settings).student_of(student.encode()).decode()


def _known(settings: Settings) -> IdentityMap:
    """All of it, whatever a worker may keep."""
    known = IdentityMap(Tenants.of(settings).tenancy)
    for message in read_to_end(settings.broker, settings.topic(IDENTITIES.name)):
        known.note(message.key(), message.value())  # one that is refused names nobody
    return known
