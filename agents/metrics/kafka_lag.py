"""The group's lag under the names and labels that dashboards know already.

kafka_exporter's (https://github.com/danielqsj/kafka_exporter) and kafka-lag-exporter's
(https://github.com/seglo/kafka-lag-exporter). These report a group once, and dashboards add up what they find: so one
worker of the group reports them, the owner of partition 0.
"""

from typing import Final

from agents.metrics.instruments import Declarations, GaugeBy

_ONCE: Final = "By the owner of partition 0 alone, so that a sum over workers is right."


class KafkaLagMetrics:
    """All have no sample while nothing is known, and in workers that do not report."""

    def __init__(self, declare: Declarations) -> None:
        def gauge(name: str, labels: str, unit: str, meaning: str) -> GaugeBy:
            return declare.gauge_by(tuple(labels.split()), name, unit, meaning, prefix="kafka", adds_up="yes")

        of_group = "consumergroup topic partition"
        self.lag = gauge(
            "consumergroup_lag",
            of_group,
            "records",
            "As kafka_exporter and `kafka-consumer-groups` count: from the committed offset to the high watermark, "
            f"with open transactions and marks of ended ones; -1 where nothing was ever committed. {_ONCE}",
        )
        self.offset = gauge(
            "consumergroup_current_offset", of_group, "offset", f"The committed offset; -1 where there is none. {_ONCE}"
        )
        self.members = gauge("consumergroup_members", "consumergroup", "members", f"Members of the group. {_ONCE}")
        self.end = gauge("topic_partition_current_offset", "topic partition", "offset", f"The high watermark. {_ONCE}")
        self.start = gauge("topic_partition_oldest_offset", "topic partition", "offset", f"The first offset. {_ONCE}")

        of_cluster = "cluster_name group"
        of_member = f"{of_cluster} topic partition member_host consumer_id client_id"
        self.group_offset = gauge(
            "consumergroup_group_offset",
            of_member,
            "offset",
            "As kafka-lag-exporter has it: the committed offset, with its owner (empty labels where nobody owns it). "
            f"{_ONCE}",
        )
        self.group_lag = gauge(
            "consumergroup_group_lag",
            of_member,
            "records",
            f"To the high watermark; absent where nothing was ever committed. {_ONCE}",
        )
        self.group_lag_s = gauge(
            "consumergroup_group_lag_seconds",
            of_member,
            "seconds",
            f"For how long the oldest record that waits has waited ([how](lag.md#seconds)); 0 where none does. {_ONCE}",
        )
        self.max_lag = gauge("consumergroup_group_max_lag", of_cluster, "records", f"The largest. {_ONCE}")
        self.max_lag_s = gauge("consumergroup_group_max_lag_seconds", of_cluster, "seconds", f"The longest. {_ONCE}")
        self.sum_lag = gauge("consumergroup_group_sum_lag", of_cluster, "records", f"Of all topics. {_ONCE}")
        self.topic_sum_lag = gauge(
            "consumergroup_group_topic_sum_lag", f"{of_cluster} topic", "records", f"Of a topic. {_ONCE}"
        )
        of_topic = "cluster_name topic partition"
        self.latest = gauge("partition_latest_offset", of_topic, "offset", f"The high watermark. {_ONCE}")
        self.earliest = gauge("partition_earliest_offset", of_topic, "offset", f"The first offset. {_ONCE}")
