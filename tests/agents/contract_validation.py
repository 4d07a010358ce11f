"""Whether workers keep the contract."""

from functools import cache
from typing import TYPE_CHECKING

import orjson
from jsonschema import Draft202012Validator

from schemas.contract.json_schemas import json_schema
from schemas.dead_letter_content import KEY_HEADER
from streams.input.origin import ORIGIN_HEADER
from streams.replay import FileRecord

if TYPE_CHECKING:
    from tests.agents.deployment import Deployment


def validate(deployment: "Deployment") -> int:
    """Validate every message that workers produced against its JSON Schema, and that the configurations which updates
    name are in the catalogue; how many messages there were.
    """
    channels = deployment.channels
    spoken = {
        "skill-updates": [orjson.loads(value) for value in deployment.values(channels.updates)],
        "skill-history": [orjson.loads(value) for value in deployment.values(channels.history)],
        "skill-reasoning": [orjson.loads(value) for value in deployment.values(channels.reasoning)],
        "skill-catalogue": [orjson.loads(value) for value in deployment.values(channels.catalogue)],
        "reasoning-results": [
            orjson.loads(value) for value in deployment.values(channels.results) if value not in deployment.foreign
        ],
        "audit": [orjson.loads(value) for value in deployment.values(channels.audit)],
        "student-attention": [orjson.loads(value) for value in deployment.attention()],
        "dead-letters": [_own_headers(record) for record, _ in deployment.dead_letters()],
        "student-activity": [
            orjson.loads(record.value or b"")
            for record in deployment.records(channels.activity)
            if dict(record.headers).keys() & {ORIGIN_HEADER}
        ],
    }
    for topic, messages in spoken.items():
        for message in messages:
            _validator(topic).validate(message)
    named, there = (
        {message["config_version"] for message in spoken[topic]} for topic in ("skill-updates", "skill-catalogue")
    )
    assert named <= there
    return sum(map(len, spoken.values()))


def _own_headers(dead_letter: FileRecord) -> dict[str, str]:
    """The headers of a dead letter that are ours, as text; `dl-key` is bytes of the producer's."""
    ours = (
        header
        for header in dead_letter.headers
        if header[0].startswith("dl-") and header[0] != KEY_HEADER and not header[0].startswith("dl-orig")
    )
    return {name: value.decode() for name, value in ours}


@cache
def _validator(topic: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(topic))
