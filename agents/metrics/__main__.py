"""Prints docs/metrics.md: `python -m agents.metrics > docs/metrics.md`."""

import sys
from collections.abc import Iterable
from typing import Final

from agents.metrics.declared.gateway import GatewayMetrics
from agents.metrics.declared.metrics import Metrics
from agents.metrics.instruments import Declared

_INTRODUCTION: Final = """\
# Metrics

Served at `/metrics`, in Prometheus's text format. This page is printed by `python -m agents.metrics`.

What *adds up* says whether a sum is a total: `yes`, over workers and labels; `by label`, over workers for one set of
labels at a time, since others overlap; `no`, not at all: every worker reports the same, or it is no amount (take the
max, where the meaning says nothing else). What is called *a part of* another is in that sum already.

"""
_OF_GATEWAYS: Final = """
## Of gateways

`skillstream gateway` serves these, and no worker does ([gateway](gateway.md)).

"""
_HEADING: Final = """\
| metric | kind | labels | unit | adds up | meaning |
| --- | --- | --- | --- | --- | --- |
"""
_CLOSING: Final = """
On Linux there are also the usual `process_*` metrics: CPU time, memory, open files, start time.
"""


def page_of_metrics() -> str:
    """The page, as Markdown."""
    return _INTRODUCTION + _table(Metrics().declared) + _OF_GATEWAYS + _table(GatewayMetrics().declared) + _CLOSING


def _table(declared: Iterable[Declared]) -> str:
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.unit} "
        f"| {metric.adds_up} | {metric.meaning} |\n"
        for metric in declared
    )
    return _HEADING + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page_of_metrics())
