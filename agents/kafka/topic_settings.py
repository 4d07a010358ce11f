"""Settings of topics as the broker has them, and the command of Kafka's own that changes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

CLEANUP: Final = "cleanup.policy"
DELETE: Final = "delete"
LAG: Final = "min.compaction.lag.ms"
LAG_BEARABLE_MS: Final = 600_000
"""A longer lag than needed does no harm up to here: beyond, restoring reads what compaction had to leave."""
_AT_MOST: Final = ("max.compaction.lag.ms", "segment.ms", "segment.bytes", "min.cleanable.dirty.ratio")
_AT_LEAST: Final = ("delete.retention.ms",)


def read_settings(admin: AdminClient, topics: Sequence[str], timeout_s: float) -> dict[str, dict[str, str]]:
    """By topic and Kafka's names. A topic whose settings this client may not see is missing. Blocks."""
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    if not resources:
        return {}
    found = {}
    for resource, answer in admin.describe_configs(resources, request_timeout=timeout_s).items():
        try:
            entries = answer.result(timeout_s)
        except (KafkaException, TimeoutError):
            continue
        found[resource.name] = {name: entry.value for name, entry in entries.items() if entry.value is not None}
    return found


def loses_records(found: str, wanted: str) -> bool:
    """Whether a topic of the cleanup policy `found` drops what one of policy `wanted` keeps.

    Compaction keeps the newest record of a key only, deletion none beyond the retention; compaction alone keeps more
    than both together.
    """
    found_parts, wanted_parts = _parts(found), _parts(wanted)
    return not found_parts <= wanted_parts or "compact" in wanted_parts - found_parts


def compacts_otherwise(found: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Settings under which a topic is compacted too early, or too late: (name, what it is, what it should be).

    What compacts sooner than it should by now is as good, but for the lag that it must keep. Settings that `found` does
    not tell are not judged.
    """
    for name in (LAG, *_AT_MOST, *_AT_LEAST):
        if name not in wanted or name not in found:
            continue
        is_now, should_be = float(found[name]), float(wanted[name])
        too_much = is_now > (max(should_be, LAG_BEARABLE_MS) if name == LAG else should_be)
        too_little = is_now < should_be
        if (too_much and name not in _AT_LEAST) or (too_little and name not in _AT_MOST):
            yield name, found[name], wanted[name]


def set_command(broker: str, topic: str, values: Iterable[tuple[str, str]]) -> str:
    """What sets them, to be run as it is."""
    settings = ",".join(f"{name}=[{value}]" if "," in value else f"{name}={value}" for name, value in values)
    return (
        f"kafka-configs.sh --bootstrap-server {broker} --alter --entity-type topics --entity-name {topic} "
        f"--add-config {settings}"
    )


def _parts(policy: str) -> frozenset[str]:
    return frozenset(part.strip() for part in policy.split(",") if part.strip())
