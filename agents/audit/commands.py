"""Acts of commands: recorded as begun before anything is done, and as done or failed after it. Blocks."""

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.audit.chain import AuditedAct
from agents.audit.topic import AuditTopic
from agents.audit.writer import ChainWriter
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.topics import require_broker
from schemas.audit import AuditAction, AuditActor, AuditOutcome
from schemas.errors import SkillstreamError


@dataclass(slots=True)
class CommandAct:
    """What a command is doing. `detail` may be changed until it is done; it names no person."""

    detail: str = ""


@contextmanager
def audited(
    settings: Settings, action: AuditAction, *, about: Sequence[str] = (), detail: str = ""
) -> Iterator[CommandAct]:
    """Have what is done inside recorded; `about` are ids of persons, at most MOST_ABOUT.

    Raises TopicForbidden, TopicMismatch, Retryable before the first of it is done, where it cannot be recorded.
    """
    require_broker(settings.broker, settings.start_timeout_s)
    keyring = opened_keyring(settings)
    who = AuditActor("command", keyring.pseudonym(f"{_user()}@{socket.gethostname()}"))
    pseudonyms = tuple(map(keyring.pseudonym, about))
    act = CommandAct(detail)
    with closing(ChainWriter(AuditTopic(settings, keyring.sign, settings.start_timeout_s))) as writer:

        def note(outcome: AuditOutcome) -> None:
            now = datetime.now(UTC)
            recorded = AuditedAct(at=now, action=action, who=who, outcome=outcome, about=pseudonyms, detail=act.detail)
            writer.write([recorded])

        note("begun")
        try:
            yield act
        except BaseException:
            _as_far_as_possible(note)
            raise
        note("done")


def opened_keyring(settings: Settings) -> Keyring:
    """The deployment's keys, with at least one. Raises TopicForbidden, TopicMismatch, Retryable."""
    keyring = Keyring(settings).open_as_allowed()
    return keyring if keyring.has_keys else keyring.open_or_make()


def _as_far_as_possible(note: Callable[[AuditOutcome], None]) -> None:
    """What failed tells why: that the trail cannot be written either is the lesser news."""
    with suppress(SkillstreamError):
        note("failed")


def _user() -> str:
    """The user's name; the number, where the machine knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
