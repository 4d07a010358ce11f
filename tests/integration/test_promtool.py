"""What Prometheus's own tool says of the metrics."""

from collections import Counter

import pytest

from agents.metrics import Metrics
from streams.folding.counts import Counts
from streams.spending.usage import TokenUsage
from tests.servers.promtool import judged


@pytest.mark.long
def test_promtool_finds_nothing_to_say_of_the_metrics() -> None:
    metrics = Metrics()
    metrics.add_counts(Counts(records_in=1, events_in=1, dead_lettered=1, reasons=Counter({"not_json": 1})))
    metrics.add_tokens("a model", TokenUsage(1, 1))
    metrics.latency_s.observe([0] * 20, 5_000.0)
    metrics.built("a version", "a model")

    said = judged("check", "metrics", given=metrics.render()[0])

    assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
