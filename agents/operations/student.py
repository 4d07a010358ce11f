"""What is published of one student: the newest update and explanation, and the update's entry in the catalogue."""

from dataclasses import dataclass

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.fusion_config.catalogue import CatalogueTopic
from agents.kafka.errors import NoSuchTopic
from agents.operations.explanation import newest_update
from agents.operations.newest import newest_value
from schemas.catalogue import CatalogueEntry, read_entry
from schemas.explanation import Explanation, read_explanation
from schemas.update import SkillUpdate


@dataclass(frozen=True, slots=True)
class PublishedStudent:
    """`explanation` is None where none was published, or none that this version reads; so is `entry`."""

    update: SkillUpdate
    explanation: Explanation | None
    entry: CatalogueEntry | None


def published_student(settings: Settings, student: str) -> PublishedStudent | None:
    """What the broker has of a student; None if nothing was published, or they were erased. Needs no worker. Blocks.

    Raises BrokerUnavailable, NoSuchTopic, TopicForbidden; NoUpdate for an update that this version cannot read.
    """
    update = newest_update(settings, student)
    if update is None:
        return None
    return PublishedStudent(update, _explanation(settings, student), _entry(settings, update.config_version))


def _explanation(settings: Settings, student: str) -> Explanation | None:
    try:
        value = newest_value(settings, Channels.of(settings).reasoning, student)
        return None if value is None else read_explanation(value)
    except (NoSuchTopic, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _entry(settings: Settings, config_version: str) -> CatalogueEntry | None:
    """The last that was written of that version."""
    found = None
    for record in CatalogueTopic(settings).read():
        if record.key == config_version.encode():
            try:
                found = read_entry(record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
    return found
