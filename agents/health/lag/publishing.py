"""The lag as metrics."""

from collections import Counter
from collections.abc import Mapping

from agents.health.lag.figures import Lag
from agents.kafka.group_members import GroupMember
from agents.kafka.offsets import SourcePartition
from agents.metrics import Metrics
from agents.metrics.instruments import GaugeBy
from agents.metrics.kafka_lag import KafkaLagMetrics

_NOBODY = GroupMember("", "", "")
_Values = Mapping[tuple[str, ...], float]


def publish_lag(lag: Lag, metrics: Metrics) -> None:
    """Set the gauges that every worker has."""
    metrics.lag_records.replace({_labels(part): records for part, records in lag.records.items()})
    metrics.lag_age_s.set(lag.age_s)
    metrics.held_records.replace({_labels(part): held.records for part, held in lag.held.items()})
    metrics.held_s.replace({_labels(part): held.for_s for part, held in lag.held.items()})


def publish_group_lag(lag: Lag | None, metrics: Metrics, group: str, cluster: str) -> None:
    """Set the gauges that one worker of the group has; in the others, with None, they have no sample."""
    statuses = {} if lag is None else lag.statuses
    metrics.lag_status.replace({(*_labels(part), status): 1.0 for part, status in statuses.items()})
    gauges = [gauge for gauge in vars(metrics.kafka_lag).values() if isinstance(gauge, GaugeBy)]
    values: Mapping[GaugeBy, _Values] = {}
    if lag is not None and lag.offsets:
        values = _as_kafka_exporter(lag, metrics.kafka_lag, group)
        values = {**values, **_as_kafka_lag_exporter(lag, metrics.kafka_lag, group, cluster)}
    for gauge in gauges:
        gauge.replace(values.get(gauge, {}))


def _as_kafka_exporter(lag: Lag, gauges: KafkaLagMetrics, group: str) -> dict[GaugeBy, _Values]:
    lags = _to_the_high_watermark(lag)
    return {
        gauges.lag: {(group, *_labels(part)): lags.get(part, -1) for part in lag.offsets},
        gauges.offset: {
            (group, *_labels(part)): -1 if at.committed is None else at.committed for part, at in lag.offsets.items()
        },
        gauges.members: {} if lag.group is None else {(group,): len(lag.group.members)},
        gauges.end: {_labels(part): end for part, end in _ends(lag).items()},
        gauges.start: {_labels(part): at.start for part, at in lag.offsets.items()},
    }


def _as_kafka_lag_exporter(lag: Lag, gauges: KafkaLagMetrics, group: str, cluster: str) -> dict[GaugeBy, _Values]:
    lags = _to_the_high_watermark(lag)
    of_topic = Counter[str]()
    for (topic, _), records in lags.items():
        of_topic[topic] += records

    def by_member(values: Mapping[SourcePartition, float]) -> _Values:
        return {(cluster, group, *_labels(part), *_owner(lag, part)): value for part, value in values.items()}

    committed = {part: at.committed for part, at in lag.offsets.items() if at.committed is not None}
    return {
        gauges.group_offset: by_member(committed),
        gauges.group_lag: by_member(lags),
        gauges.group_lag_s: by_member(lag.seconds),
        gauges.max_lag: {(cluster, group): max(lags.values(), default=0)},
        gauges.max_lag_s: {} if lag.longest_s is None else {(cluster, group): lag.longest_s},
        gauges.sum_lag: {(cluster, group): sum(lags.values())},
        gauges.topic_sum_lag: {(cluster, group, topic): records for topic, records in of_topic.items()},
        gauges.latest: {(cluster, *_labels(part)): end for part, end in _ends(lag).items()},
        gauges.earliest: {(cluster, *_labels(part)): at.start for part, at in lag.offsets.items()},
    }


def _ends(lag: Lag) -> dict[SourcePartition, int]:
    return {part: at.end if at.high is None else at.high for part, at in lag.offsets.items()}


def _to_the_high_watermark(lag: Lag) -> dict[SourcePartition, int]:
    """Of partitions with a commit, as the exporters count."""
    ends = _ends(lag)
    return {part: ends[part] - at.committed for part, at in lag.offsets.items() if at.committed is not None}


def _owner(lag: Lag, part: SourcePartition) -> tuple[str, str, str]:
    """member_host, consumer_id and client_id."""
    owner = _NOBODY if lag.group is None else lag.group.owners.get(part, _NOBODY)
    return owner.host, owner.member_id, owner.client_id


def _labels(part: SourcePartition) -> tuple[str, str]:
    topic, partition = part
    return topic, str(partition)
