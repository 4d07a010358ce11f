"""Prints docs/metrics.md: `python -m agents.metrics > docs/metrics.md`."""

import sys
from typing import Final

from agents.metrics.declared import Metrics

_INTRODUCTION: Final = """\
# Metrics

Served at `/metrics`, in Prometheus's text format. This page is printed by `python -m agents.metrics`.

| metric | kind | labels | unit | meaning |
| --- | --- | --- | --- | --- |
"""
_CLOSING: Final = """
On Linux there are also the usual `process_*` metrics: CPU time, memory, open files, start time.
"""


def page_of_metrics() -> str:
    """The page, as Markdown."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.unit} "
        f"| {metric.meaning} |\n"
        for metric in Metrics().declared
    )
    return _INTRODUCTION + "".join(rows) + _CLOSING


if __name__ == "__main__":
    sys.stdout.write(page_of_metrics())
