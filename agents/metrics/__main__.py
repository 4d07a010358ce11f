"""Prints docs/metrics.md: `python -m agents.metrics > docs/metrics.md`."""

import sys
from typing import Final

from agents.metrics.declared.metrics import Metrics

_INTRODUCTION: Final = """\
# Metrics

Served at `/metrics`, in Prometheus's text format. This page is printed by `python -m agents.metrics`.

What *adds up* says whether a sum is a total: `yes`, over workers and labels; `by label`, over workers for one set of
labels at a time, since others overlap; `no`, not at all: every worker reports the same, or it is no amount (take the
max, where the meaning says nothing else). What is called *a part of* another is in that sum already.

| metric | kind | labels | unit | adds up | meaning |
| --- | --- | --- | --- | --- | --- |
"""
_CLOSING: Final = """
On Linux there are also the usual `process_*` metrics: CPU time, memory, open files, start time.
"""


def page_of_metrics() -> str:
    """The page, as Markdown."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.unit} "
        f"| {metric.adds_up} | {metric.meaning} |\n"
        for metric in Metrics().declared
    )
    return _INTRODUCTION + "".join(rows) + _CLOSING


if __name__ == "__main__":
    sys.stdout.write(page_of_metrics())
