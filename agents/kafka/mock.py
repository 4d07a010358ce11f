"""How a broker of librdkafka's own is told from a real one."""

from typing import Final

from confluent_kafka.admin._metadata import ClusterMetadata

_PREFIX: Final = "mockCluster"


def is_mock(cluster: ClusterMetadata) -> bool:
    """Whether the broker is librdkafka's, which knows neither topic ids nor most of the admin requests."""
    return (cluster.cluster_id or "").startswith(_PREFIX)
